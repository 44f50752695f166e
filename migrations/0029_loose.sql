-- When a user was last told by mail that they are locked out.
ALTER TABLE user_account ADD COLUMN lock_told_at timestamptz;
