-- One role per duty, without login: a login is made IN ROLE one of them. The owner of the tables migrates and does nothing else.
-- returns_pipeline  writes facts and the ledger; adds to what is evidence and can neither change nor delete it
-- returns_dagster   keeps Dagster's runs and events in schema public; sees nothing of schema returns
-- returns_reader    reads schema returns
-- returns_hints     notes what webhooks said, in one table; sees and writes nothing else
-- Where the owner may not make roles, an administrator makes the four before the first migration; without them the owner works alone.
DO $$ DECLARE duty text; BEGIN
  IF (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname=current_user) THEN
    FOREACH duty IN ARRAY ARRAY['returns_pipeline','returns_dagster','returns_reader','returns_hints'] LOOP
      BEGIN EXECUTE format('CREATE ROLE %I NOLOGIN', duty);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;   -- roles belong to the server, not to one database
    END LOOP;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname='returns_pipeline') THEN
    GRANT USAGE ON SCHEMA returns TO returns_pipeline;
    GRANT SELECT,INSERT,UPDATE,DELETE ON ALL TABLES IN SCHEMA returns TO returns_pipeline;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA returns TO returns_pipeline;
    REVOKE UPDATE,DELETE ON audit,effect_attempt,effect_move,approval_batch,exception_history,ledger_epochs,month_close_reruns FROM returns_pipeline;
    REVOKE DELETE ON effect,effect_line,order_row_balance,operator_decisions,month_closes FROM returns_pipeline;
    REVOKE INSERT,UPDATE,DELETE ON effect_kind,gate_needed,alembic_version FROM returns_pipeline;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname='returns_dagster') THEN
    GRANT USAGE,CREATE ON SCHEMA public TO returns_dagster;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname='returns_reader') THEN
    GRANT USAGE ON SCHEMA returns TO returns_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA returns TO returns_reader;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname='returns_hints') THEN
    GRANT USAGE ON SCHEMA returns TO returns_hints;
    GRANT SELECT,INSERT ON hints TO returns_hints;
  END IF;
END $$;
