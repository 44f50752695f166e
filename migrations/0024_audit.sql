-- The audit log: one rule for what is secret, for inputs and columns alike, also for what is inside their JSON.

-- As motet.domain.redaction.is_secret: a test compares the two.
CREATE FUNCTION motet_audit_secret(name text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT regexp_replace(lower(name), '[^a-z0-9]', '', 'g') ~
               ('password|passphrase|passwd|secret|payload|credential|assertion|otp|recovery|verifier|private|publickey'
                '|cookie|signature|authorization|bearer|encrypted|sealed|hash|samlresponse|logouttoken'
                '|confirmationcode|matchingid|^lpa$|(api|access|signing|shared|master|session)key$'
                '|^(sim)?(pin|puk|adm)[0-9]?$')
        OR coalesce(lower(substring(name FROM '([A-Z]?[a-z0-9]+|[A-Z]+)[^A-Za-z0-9]*$')) = ANY (
               '{token,tokens,text,texts,csv,udh,tlvs,hex,nonce,qr,svg,png,pin,puk,ki,opc,psk,seed,salt}'), false)
$$;

CREATE FUNCTION motet_audit_shown(name text, value jsonb, depth integer) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    words text := value #>> '{}';
BEGIN
    IF words IS NULL THEN
        RETURN value;
    ELSIF motet_audit_secret(name) THEN
        RETURN '"[redacted]"';
    END IF;
    CASE jsonb_typeof(value)
        WHEN 'string' THEN
            IF words LIKE '\\x%' THEN                                           -- octets
                RETURN '"[redacted]"';
            ELSIF length(words) > 1000 THEN
                RETURN to_jsonb('[' || length(words) || ' characters]');
            ELSIF words LIKE '%://%' THEN                                       -- credentials in URLs
                RETURN to_jsonb(regexp_replace(regexp_replace(words, '://[^/?#\s]*@', '://[redacted]@', 'g'),
                                               '[?#].*$', '?[redacted]'));
            END IF;
        WHEN 'number' THEN
            IF abs(words::numeric) > 9007199254740991 THEN                      -- ids: JSON's readers have 53 bits
                RETURN to_jsonb(words);
            END IF;
        WHEN 'boolean' THEN
            NULL;
        ELSE
            IF length(words) > 4000 THEN
                RETURN to_jsonb('[' || length(words) || ' characters of JSON]');
            ELSIF words IN ('{}', '[]') THEN
                RETURN value;
            ELSIF depth >= 6 THEN
                RETURN '"[nested]"';
            ELSIF jsonb_typeof(value) = 'array' THEN
                RETURN (SELECT jsonb_agg(motet_audit_shown(name, e, depth + 1)) FROM jsonb_array_elements(value) AS e);
            END IF;
            RETURN (SELECT jsonb_object_agg(n.key, motet_audit_shown(n.key, n.value, depth + 1))
                      FROM jsonb_each(value) AS n);
    END CASE;
    RETURN value;
END $$;

-- A column's value as the log may show it: no secret, no text of a message, nothing endless.
CREATE OR REPLACE FUNCTION motet_audit_shown(name text, value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT motet_audit_shown(name, value, 0)
$$;
