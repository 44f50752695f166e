-- The language of an organisation: what its members read who have chosen none.
ALTER TABLE organisation ADD COLUMN locale text;   -- BCP 47; null: English

-- Every node remembers a user's language with what they may do.
DROP TRIGGER user_account_told ON user_account;
CREATE TRIGGER user_account_told AFTER DELETE OR UPDATE OF status, password_hash, is_super_admin, organisation_id, locale
    ON user_account FOR EACH ROW EXECUTE FUNCTION motet_tell_users();

-- Whether the user has been told by mail that they are locked out.
ALTER TABLE sign_in_attempt ADD COLUMN told boolean NOT NULL DEFAULT false;
CREATE INDEX sign_in_attempt_untold ON sign_in_attempt (locked_until) WHERE NOT told;
