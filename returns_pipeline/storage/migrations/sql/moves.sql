-- Whether anything moved that judgements rest on: a stage's last judgement stands until a transaction that it could not see has moved a watched row.

CREATE TABLE moves(                           -- transactions that moved a watched row: those of the last day
  xid xid8 PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX moves_at ON moves(at);
CREATE TABLE judgements(                      -- the last judgement of each stage, and the transactions that it saw
  stage text NOT NULL, shop text NOT NULL, basis text NOT NULL, seen pg_snapshot NOT NULL, judged_at timestamptz NOT NULL, holds_until timestamptz NOT NULL,
  report jsonb NOT NULL, PRIMARY KEY (stage, shop));

-- Both name our schema: a person's own session, in which the tables are called returns.gates, must not fail on them.
CREATE FUNCTION note_move() RETURNS void LANGUAGE sql SET search_path=returns AS $$
  INSERT INTO moves(xid) VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING $$;
CREATE FUNCTION rows_came() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM after_it) THEN PERFORM returns.note_move(); END IF; RETURN NULL; END $$;
CREATE FUNCTION rows_went() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM before_it) THEN PERFORM returns.note_move(); END IF; RETURN NULL; END $$;
-- The arguments name columns that only say when somebody looked.
CREATE FUNCTION rows_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_NARGS=0 AND EXISTS (SELECT FROM after_it)
    OR TG_NARGS>0 AND EXISTS (SELECT to_jsonb(a)-TG_ARGV FROM after_it a EXCEPT SELECT to_jsonb(b)-TG_ARGV FROM before_it b) THEN
    PERFORM returns.note_move(); END IF; RETURN NULL; END $$;
CREATE FUNCTION all_rows_went() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM returns.note_move(); RETURN NULL; END $$;
-- Each pass gives its verdict anew; only another one moves a gate.
CREATE FUNCTION gate_turned() RETURNS trigger LANGUAGE plpgsql SET search_path=returns AS $$ BEGIN
  IF EXISTS (SELECT FROM after_it a WHERE (a.passed,a.reason) IS DISTINCT FROM (SELECT (g.passed,g.reason) FROM gates g
      WHERE g.shop=a.shop AND g.table_name=a.table_name AND g.gate_id<a.gate_id ORDER BY g.gate_id DESC LIMIT 1)) THEN
    PERFORM returns.note_move(); END IF; RETURN NULL; END $$;
CREATE TRIGGER gate_turned AFTER INSERT ON gates REFERENCING NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION gate_turned();

DO $$ DECLARE watched record; BEGIN
  FOR watched IN SELECT * FROM (VALUES
      ('account_facts','''read_at'''), ('brightpearl_goods_in',''), ('brightpearl_products',''), ('brightpearl_sales_credit_rows',''),
      ('brightpearl_sales_credits',''), ('brightpearl_sales_order_rows',''), ('brightpearl_sales_orders',''), ('brightpearl_searched_sales',''),
      ('brightpearl_shelf_moves',''), ('brightpearl_stock_moves',''), ('brightpearl_transfer_notes',''), ('effect',''), ('effect_line',''),
      ('exceptions','''last_seen_at'',''announced_at'',''escalated_at'''), ('finance_three_way_match',''), ('inspections',''), ('month_closes',''),
      ('operator_decisions',''), ('order_row_balance',''), ('returngo_return_items',''), ('returngo_rmas','''detail_read_at'''),
      ('returngo_shipments',''), ('returngo_transactions',''), ('returns_credit_proposals',''), ('returns_receipts',''), ('returns_return_lines',''),
      ('returns_transfer_proposals',''), ('shadow_plans',''), ('sink_stops','')) AS w(name, says_when) LOOP
    EXECUTE format('CREATE TRIGGER rows_came AFTER INSERT ON %I REFERENCING NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION rows_came()', watched.name);
    EXECUTE format('CREATE TRIGGER rows_went AFTER DELETE ON %I REFERENCING OLD TABLE AS before_it FOR EACH STATEMENT EXECUTE FUNCTION rows_went()', watched.name);
    EXECUTE format('CREATE TRIGGER rows_changed AFTER UPDATE ON %I REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION rows_changed(%s)',
      watched.name, watched.says_when);
    EXECUTE format('CREATE TRIGGER all_rows_went AFTER TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION all_rows_went()', watched.name);
  END LOOP; END $$;
