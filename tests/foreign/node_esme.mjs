// Scenarios on node-smpp. `node node_esme.mjs SCENARIO JSON` prints what was seen, as one line of JSON.
import smpp from "smpp";

const DEADLINE_MS = 30_000;
const [scenario, given] = process.argv.slice(2);
const { host, port, system_id, password, ...args } = JSON.parse(given);
setTimeout(() => {
  console.error(`${scenario}: not done in time`);
  process.exit(2);
}, DEADLINE_MS).unref();

/** A session whose deliver_sm are answered and collected; `ask` sends a request and resolves to its response. */
async function connect() {
  const session = smpp.connect({ host, port });
  const received = [];
  const waiting = [];
  const wake = () => waiting.splice(0).forEach((look) => look());
  const answer = (pdu) => {
    received.push(pdu);
    session.send(pdu.response());
    wake();
  };
  session.on("deliver_sm", answer);
  session.on("data_sm", answer);
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("error", (error) => {
    console.error(String(error));
    process.exit(3);
  });
  await new Promise((resolve) => session.on("connect", resolve));
  return {
    session,
    received,
    ask: (command, options) => new Promise((resolve) => session[command](options, resolve)),
    until: (seen) =>
      new Promise((resolve) => {
        const look = () => {
          const what = seen(received);
          if (what) resolve(what);
          else waiting.push(look);
        };
        look();
      }),
  };
}

async function bound(kind = "bind_transceiver", options = {}) {
  const esme = await connect();
  esme.bind = await esme.ask(kind, { system_id, password, interface_version: 0x34, ...options });
  return esme;
}

const common = { source_addr_ton: 5, source_addr: "Node", dest_addr_ton: 1, dest_addr_npi: 1, registered_delivery: 1 };

function shown(pdu) {
  const message = pdu.short_message?.message ?? "";
  return {
    from: pdu.source_addr,
    to: pdu.destination_addr,
    esm_class: pdu.esm_class,
    text: Buffer.isBuffer(message) ? message.toString("latin1") : message,
    receipted_message_id: pdu.receipted_message_id ?? null,
    message_state: pdu.message_state ?? null,
    network_error_code: pdu.network_error_code ? Buffer.from(pdu.network_error_code).toString("hex") : null,
  };
}

const receiptOf = (id) => (received) => received.find((pdu) => pdu.receipted_message_id === id);

const scenarios = {
  async binds() {
    const out = {};
    for (const kind of ["bind_transmitter", "bind_receiver", "bind_transceiver"]) {
      const esme = await bound(kind);
      out[kind] = [esme.bind.command_status, esme.bind.system_id, esme.bind.sc_interface_version];
      out[`${kind}: submit_sm`] = (
        await esme.ask("submit_sm", { ...common, destination_addr: args.msisdn, short_message: kind })
      ).command_status;
      out[`${kind}: unbind`] = (await esme.ask("unbind", {})).command_status;
    }
    out["wrong password"] = (await bound("bind_transceiver", { password: "wrong" })).bind.command_status;
    out["no password"] = (await bound("bind_transceiver", { password: "" })).bind.command_status;
    out["unknown account"] = (await bound("bind_receiver", { system_id: "nobody" })).bind.command_status;
    return out;
  },

  async texts() {
    const esme = await bound();
    const texts = {
      hello: { data_coding: 0, short_message: "Hello" },
      gsm: { data_coding: 0, short_message: "Grüße @£$ {€}" },
      mixed: { short_message: "Grüße 😀 Привет" },
      latin: { data_coding: 3, short_message: "naïve café" },
      binary: { data_coding: 4, short_message: Buffer.from(Array.from({ length: 140 }, (_, n) => n)) },
      payload: { data_coding: 0, message_payload: "p".repeat(390) + "0123456789" },
      empty: { data_coding: 0, short_message: "" },
    };
    const out = {};
    for (const [name, text] of Object.entries(texts)) {
      const response = await esme.ask("submit_sm", { ...common, ...text, destination_addr: args.msisdn });
      const receipt = await esme.until(receiptOf(response.message_id));
      out[name] = { status: response.command_status, id: response.message_id, receipt: shown(receipt) };
    }
    const long = "abcdefghijklmnopqrstuvwxyz".repeat(16).slice(0, 400);
    const parts = [3, 1, 2].map((n) => ({
      udh: Buffer.from([5, 0, 3, 77, 3, n]),
      message: long.slice((n - 1) * 153, n * 153),
    }));
    out.parts = [];
    for (const short_message of parts) {
      const response = await esme.ask("submit_sm", {
        ...common, data_coding: 0, short_message, destination_addr: args.msisdn,
      });
      const receipt = await esme.until(receiptOf(response.message_id));
      out.parts.push({ status: response.command_status, id: response.message_id, receipt: shown(receipt) });
    }
    return out;
  },

  async window() {
    const esme = await bound();
    const ids = new Set();
    const statuses = {};
    let sent = 0;
    await new Promise((resolve) => {
      let open = 0;
      const next = () => {
        while (open < args.window && sent < args.count) {
          open++;
          sent++;
          const text = { destination_addr: args.msisdn, data_coding: 0, short_message: `w${sent}` };
          esme.session.submit_sm({ ...common, ...text }, (response) => {
            open--;
            statuses[response.command_status] = (statuses[response.command_status] ?? 0) + 1;
            ids.add(response.message_id);
            if (!open && sent === args.count) resolve();
            else next();
          });
        }
      };
      next();
    });
    await esme.until((received) => received.length >= args.count);
    const receipts = new Set(esme.received.map((pdu) => pdu.receipted_message_id));
    return {
      statuses,
      ids: ids.size,
      receipts: receipts.size,
      doubled: esme.received.length - receipts.size,
      missing: [...ids].filter((id) => !receipts.has(id)).length,
    };
  },

  async commands() {
    const esme = await bound();
    const out = {};
    const source = { source_addr_ton: 5, source_addr: "Node" };
    const submit = (text, options = {}) =>
      esme.ask("submit_sm", { ...common, data_coding: 0, short_message: text, destination_addr: args.msisdn, ...options });
    const query = async (message_id, options = source) => {
      const response = await esme.ask("query_sm", { message_id, ...options });
      return [response.command_status, response.message_state];
    };
    const held = (await submit("held", { destination_addr: args.absent })).message_id;
    const gone = (await submit("gone", { destination_addr: args.absent })).message_id;
    const one = (await submit("one")).message_id;
    await esme.until(receiptOf(one));
    out.delivered = await query(one);
    out.enroute = await query(held, {});
    out.nobody = await query("123456");
    out.wrongSource = await query(one, { source_addr: "Else", source_addr_ton: 5 });
    out.replace = (await esme.ask("replace_sm", { message_id: held, ...source, registered_delivery: 1, short_message: "new" }))
      .command_status;
    const addresses = { ...source, dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: args.absent };
    out.cancel = (await esme.ask("cancel_sm", { message_id: gone, ...addresses })).command_status;
    out.cancelled = await query(gone);
    out.cancelAgain = (await esme.ask("cancel_sm", { message_id: gone, ...addresses })).command_status;
    const multi = await esme.ask("submit_multi", {
      ...source,
      registered_delivery: 1,
      data_coding: 0,
      short_message: "to many",
      dest_address: [args.msisdn, args.second, args.foreign].map((destination_addr) => ({
        dest_addr_ton: 1, dest_addr_npi: 1, destination_addr,
      })),
    });
    out.multi = [multi.command_status, multi.unsuccess_sme.map((one) => [one.destination_addr, one.error_status_code])];
    await esme.until((received) => received.filter((pdu) => pdu.receipted_message_id === multi.message_id).length === 2);
    out.multiReceipts = esme.received
      .filter((pdu) => pdu.receipted_message_id === multi.message_id)
      .map((pdu) => pdu.source_addr)
      .sort();
    out.multiQuery = await query(multi.message_id);
    const data = await esme.ask("data_sm", { ...common, data_coding: 0, destination_addr: args.msisdn, message_payload: "by data" });
    out.data = [data.command_status, Boolean(await esme.until(receiptOf(data.message_id)))];
    out.enquire = (await esme.ask("enquire_link", {})).command_status;
    return out;
  },
};

const answer = await scenarios[scenario]();
console.log(JSON.stringify(answer));
process.exit(0);
