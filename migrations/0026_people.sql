-- The language of an organisation: what its members read who have chosen none.
ALTER TABLE organisation ADD COLUMN locale text;   -- BCP 47; null: English

-- Every node remembers a user's language with what they may do.
DROP TRIGGER user_account_told ON user_account;
CREATE TRIGGER user_account_told AFTER DELETE OR UPDATE OF status, password_hash, is_super_admin, organisation_id, locale
    ON user_account FOR EACH ROW EXECUTE FUNCTION motet_tell_users();
