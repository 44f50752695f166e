-- When a user was last told by mail that they are locked out.
ALTER TABLE user_account ADD COLUMN lock_told_at timestamptz;

-- Whether the second factor that an organisation asks for is asked of its administrators alone.
ALTER TABLE organisation ADD COLUMN mfa_of_administrators boolean NOT NULL DEFAULT false;

-- Whether a user must have a second factor: their organisation, or one above it, asks everybody for one, or asks
-- administrators and they are one, in whatever workspace. `administrative`: the permissions that make an administrator
-- of who has a role of a workspace's own.
CREATE FUNCTION motet_must_have_mfa(of_user bigint, administrative text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up (parent_id, asks, of_administrators) AS (
        SELECT o.parent_id, o.mfa_required, o.mfa_of_administrators
          FROM user_account u JOIN organisation o ON o.id = u.organisation_id WHERE u.id = of_user
        UNION ALL
        SELECT o.parent_id, o.mfa_required, o.mfa_of_administrators
          FROM organisation o JOIN up ON o.id = up.parent_id
    )
    SELECT EXISTS (SELECT FROM up WHERE asks AND NOT of_administrators)
        OR EXISTS (SELECT FROM up WHERE asks)
           AND (EXISTS (SELECT FROM user_account u WHERE u.id = of_user AND u.is_super_admin)
                OR EXISTS (SELECT FROM membership m
                             LEFT JOIN custom_role r ON r.workspace_id = m.workspace_id AND r.id = m.role_id
                            WHERE m.user_id = of_user
                              AND (m.role IN ('ADMINISTRATOR', 'SUPER_ADMIN') OR r.permissions && administrative)))
$$;
DROP FUNCTION motet_mfa_required;

-- Who becomes an administrator anywhere may have to show more everywhere.
CREATE TRIGGER membership_added_told AFTER INSERT ON membership
    FOR EACH ROW EXECUTE FUNCTION motet_tell_memberships();
