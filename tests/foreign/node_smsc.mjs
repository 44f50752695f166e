// An SMSC on node-smpp: says no version in its bind response, prints what it takes as JSON lines, sends text receipts.
import smpp from "smpp";

let number = 1000;
const server = smpp.createServer((session) => {
  session.on("error", (error) => console.error(error.message));
  session.on("bind_transceiver", (pdu) => session.send(pdu.response()));
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on("submit_sm", (pdu) => {
    const id = String(number++);
    const { destination_addr, user_message_reference } = pdu;
    const { message, udh } = pdu.short_message;
    console.log(JSON.stringify({ destination_addr, user_message_reference, message, parts: udh ? udh[0][3] : 1 }));
    session.send(pdu.response({ message_id: id }));
    session.deliver_sm({
      esm_class: 4,
      source_addr: pdu.destination_addr,
      destination_addr: pdu.source_addr,
      short_message:
        `id:${id} sub:001 dlvrd:001 submit date:2611212200 done date:2611212200 stat:DELIVRD err:000 text:`,
    });
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
