-- Effects that happen exactly once: balances, gates, effects, evidence, audit. Constraints and triggers are the guards;
-- the code above them is allowed to be wrong.

CREATE TYPE effect_state AS ENUM ('planned','claimed','sending','unknown','confirmed','rejected','halted','voided');
CREATE SEQUENCE fence_seq;
CREATE TABLE effect_kind(kind text PRIMARY KEY, makes_object boolean NOT NULL);   -- makes_object: a remote id of its own; a repeat would double it
INSERT INTO effect_kind VALUES ('credit.raise',true),('credit.cancel',false),('credit.amend',false),('credit.post',false),('credit.annotate',false),
 ('goods_in.write',true),('returngo.receive',false),('refund.record',true),
 ('transfer.create',true),('transfer.dispatch',true),('transfer.ship',false),('transfer.release',false);
-- one row per order row: the quota, moved in the same transaction as planning
CREATE TABLE order_row_balance(
  order_row_id bigint PRIMARY KEY, order_id bigint NOT NULL, currency char(3) NOT NULL, minor_digits smallint NOT NULL,
  price_mode text NOT NULL CHECK (price_mode IN ('EXC','INC')),
  ordered_qty int NOT NULL CHECK (ordered_qty>0), net_minor bigint NOT NULL CHECK (net_minor>=0), tax_minor bigint NOT NULL CHECK (tax_minor>=0),
  announced_qty int NOT NULL DEFAULT 0 CHECK (announced_qty>=0),     -- credit.raise planned..confirmed, not yet taken over by a credit.post
  announced_net bigint NOT NULL DEFAULT 0 CHECK (announced_net>=0), announced_tax bigint NOT NULL DEFAULT 0 CHECK (announced_tax>=0),
  received_qty int NOT NULL DEFAULT 0 CHECK (received_qty>=0),       -- a fact: goods-in against our own or adopted credits
  posted_qty int NOT NULL DEFAULT 0 CHECK (posted_qty>=0),           -- credit.post planned..confirmed
  posted_net bigint NOT NULL DEFAULT 0 CHECK (posted_net>=0), posted_tax bigint NOT NULL DEFAULT 0 CHECK (posted_tax>=0),
  without_receipt_qty int NOT NULL DEFAULT 0 CHECK (without_receipt_qty>=0),   -- the part of posted_qty that no receipt backs; its reason is on the effect line
  foreign_qty int NOT NULL DEFAULT 0 CHECK (foreign_qty>=0),         -- a fact: credited by others and not adopted; a value-only credit has quantity 0
  foreign_net bigint NOT NULL DEFAULT 0 CHECK (foreign_net>=0), foreign_tax bigint NOT NULL DEFAULT 0 CHECK (foreign_tax>=0),
  CHECK (announced_qty+posted_qty<=ordered_qty), CHECK (without_receipt_qty<=posted_qty),
  CHECK (announced_net+posted_net<=net_minor), CHECK (announced_tax+posted_tax<=tax_minor),
  CHECK (tax_minor=0 OR net_minor>0));
CREATE INDEX order_row_balance_order ON order_row_balance(order_id);
-- facts are recorded whatever they say; only our own taking of quantity or money is refused
CREATE FUNCTION balance_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE taken int:=NEW.announced_qty+NEW.posted_qty; BEGIN
  IF TG_OP='UPDATE' THEN
    IF (NEW.announced_qty,NEW.announced_net,NEW.announced_tax,NEW.posted_qty,NEW.posted_net,NEW.posted_tax,NEW.without_receipt_qty)
      =(OLD.announced_qty,OLD.announced_net,OLD.announced_tax,OLD.posted_qty,OLD.posted_net,OLD.posted_tax,OLD.without_receipt_qty) THEN RETURN NEW; END IF;
    IF taken<=OLD.announced_qty+OLD.posted_qty AND NEW.posted_qty<=OLD.posted_qty AND (taken,NEW.posted_qty)<>(OLD.announced_qty+OLD.posted_qty,OLD.posted_qty)
      AND NEW.announced_net+NEW.posted_net<=OLD.announced_net+OLD.posted_net AND NEW.announced_tax+NEW.posted_tax<=OLD.announced_tax+OLD.posted_tax THEN
      RETURN NEW; END IF;   -- giving back, or from posted back to announced
  END IF;
  IF NEW.posted_qty>NEW.received_qty+NEW.without_receipt_qty THEN RAISE EXCEPTION 'order row %: posted more than received',NEW.order_row_id; END IF;
  IF taken+NEW.foreign_qty>NEW.ordered_qty THEN RAISE EXCEPTION 'order row %: more than ordered, counting credits by others',NEW.order_row_id; END IF;
  IF NEW.announced_net+NEW.posted_net+NEW.foreign_net>NEW.net_minor OR NEW.announced_tax+NEW.posted_tax+NEW.foreign_tax>NEW.tax_minor THEN
    RAISE EXCEPTION 'order row %: more money than invoiced, counting credits by others',NEW.order_row_id; END IF;
  IF taken=NEW.ordered_qty AND NEW.foreign_net+NEW.foreign_tax=0
    AND (NEW.announced_net+NEW.posted_net,NEW.announced_tax+NEW.posted_tax)<>(NEW.net_minor,NEW.tax_minor) THEN
    RAISE EXCEPTION 'order row %: full quantity means full money',NEW.order_row_id; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER balance_guard BEFORE INSERT OR UPDATE ON order_row_balance FOR EACH ROW EXECUTE FUNCTION balance_guard();
-- verdict on each ingested batch; the newest row of a shop and table counts, none at all means closed
CREATE TABLE gates(gate_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shop text NOT NULL, table_name text NOT NULL, run_id text NOT NULL,
  passed boolean NOT NULL, reason text, at timestamptz NOT NULL DEFAULT clock_timestamp(), CHECK (passed OR reason IS NOT NULL));
CREATE INDEX gate_newest ON gates(shop,table_name,gate_id DESC);
CREATE TABLE gate_needed(kind text NOT NULL REFERENCES effect_kind, table_name text NOT NULL, PRIMARY KEY(kind,table_name));
CREATE FUNCTION gates_open(s text,k text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT NOT EXISTS(SELECT 1 FROM gate_needed n WHERE n.kind=k AND NOT coalesce(
    (SELECT g.passed FROM gates g WHERE g.shop=s AND g.table_name=n.table_name ORDER BY g.gate_id DESC LIMIT 1),false)) $$;
-- what a shadowed kind would do: no balance moved, replaced at each pass, never copied into effect
CREATE TABLE shadow_plans(shop text NOT NULL, kind text NOT NULL REFERENCES effect_kind, business_key text NOT NULL, pass_id text NOT NULL,
  payload jsonb NOT NULL, payload_sha256 bytea NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY(shop,kind,business_key));
-- what a shadowed credit would have been when it was last planned: people who post by hand make the plan go, and then the two are compared
CREATE TABLE shadow_past(shop text NOT NULL, kind text NOT NULL, business_key text NOT NULL, payload jsonb NOT NULL, planned_at timestamptz NOT NULL,
  gone_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY(shop,kind,business_key));
CREATE FUNCTION shadow_remembered() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO shadow_past(shop,kind,business_key,payload,planned_at) VALUES (OLD.shop,OLD.kind,OLD.business_key,OLD.payload,OLD.at)
    ON CONFLICT (shop,kind,business_key) DO UPDATE SET payload=excluded.payload, planned_at=excluded.planned_at, gone_at=clock_timestamp();
  RETURN OLD; END $$;
CREATE TRIGGER shadow_remembered AFTER DELETE ON shadow_plans FOR EACH ROW WHEN (OLD.kind='credit.raise') EXECUTE FUNCTION shadow_remembered();
CREATE TABLE approval_batch(batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, batch_sha256 bytea NOT NULL,  -- over payload_sha256 in effect_id order
  effects int NOT NULL CHECK (effects>0), net_minor bigint NOT NULL, tax_minor bigint NOT NULL, currency char(3) NOT NULL,
  approved_by text NOT NULL, os_user text, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE effect(
  effect_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shop text NOT NULL,
  kind text NOT NULL REFERENCES effect_kind,
  business_key text NOT NULL,                         -- what this effect is about; deterministic from source ids; free again once voided
  remote_ref text CHECK (length(remote_ref)<=40),     -- free again only if it was never sent: one remote object per reference
  depends_on bigint REFERENCES effect,                -- the order in 'Order of effects'
  payload jsonb NOT NULL, payload_sha256 bytea NOT NULL,
  needs_approval boolean NOT NULL DEFAULT false, approved_batch bigint REFERENCES approval_batch,
  state effect_state NOT NULL DEFAULT 'planned', reason text,
  attempt int NOT NULL DEFAULT 0, fence bigint NOT NULL DEFAULT 0, claimed_by text, lease_until timestamptz,
  not_before timestamptz NOT NULL DEFAULT now(), sent_at timestamptz, remote_id text, confirmed_by text,
  reconcile_after timestamptz, reconcile_tries int NOT NULL DEFAULT 0,
  waiting_since timestamptz NOT NULL DEFAULT now(),   -- what has waited longest is sent first: for a posting, since its goods came
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (remote_ref IS NOT NULL OR kind NOT IN ('credit.raise','goods_in.write','transfer.create')),
  CHECK ((state='confirmed')=(remote_id IS NOT NULL)),
  CHECK (state NOT IN ('rejected','halted') OR reason IS NOT NULL),
  CHECK (state NOT IN ('sending','unknown') OR sent_at IS NOT NULL),
  CHECK (state<>'confirmed' OR sent_at IS NOT NULL OR (confirmed_by IS NOT NULL AND confirmed_by='adopted')),
  CONSTRAINT nothing_unapproved_is_claimed CHECK (state NOT IN ('claimed','sending') OR NOT needs_approval OR approved_batch IS NOT NULL),
  CHECK (state NOT IN ('claimed','sending') OR (claimed_by IS NOT NULL AND lease_until IS NOT NULL)));
CREATE INDEX effect_business_key ON effect(business_key,effect_id);
CREATE UNIQUE INDEX effect_business_key_once ON effect(business_key) WHERE state<>'voided';
CREATE UNIQUE INDEX effect_reference_once ON effect(remote_ref) WHERE NOT (state='voided' AND attempt=0);
CREATE UNIQUE INDEX effect_remote_once ON effect(kind,remote_id)
  WHERE remote_id IS NOT NULL AND kind IN ('credit.raise','goods_in.write','refund.record','transfer.create','transfer.dispatch');
CREATE INDEX effect_due ON effect(not_before) WHERE state='planned' AND (NOT needs_approval OR approved_batch IS NOT NULL);
CREATE INDEX effect_open ON effect(state,reconcile_after) WHERE state IN ('claimed','sending','unknown');
CREATE INDEX effect_unsettled ON effect(kind,shop) WHERE state NOT IN ('confirmed','voided');
CREATE INDEX effect_settled ON effect(kind,shop,updated_at) WHERE state='confirmed';
CREATE INDEX effect_dispatched_notes ON effect USING gin (string_to_array(remote_id,',')) WHERE kind='transfer.dispatch' AND state='confirmed';
CREATE INDEX effect_other_than_sent ON effect(effect_id) WHERE state='confirmed' AND reason LIKE 'payload_mismatch:%';
CREATE INDEX effect_of_batch ON effect(approved_batch) WHERE approved_batch IS NOT NULL;
CREATE INDEX effect_depends_on ON effect(depends_on) WHERE depends_on IS NOT NULL;
CREATE INDEX effect_rma ON effect(((payload->'subject'->>'rma_id')::bigint));
CREATE INDEX effect_order ON effect(((payload->'subject'->>'order_id')::bigint));
CREATE INDEX effect_credit ON effect(((payload->'subject'->>'credit_id')::bigint));
CREATE INDEX effect_transferred_units ON effect USING gin ((payload->'subject'->'units') jsonb_path_ops) WHERE kind='transfer.create';
CREATE INDEX effect_newest_transfers ON effect(created_at) WHERE kind='transfer.create';
CREATE TABLE effect_line(
  effect_id bigint NOT NULL REFERENCES effect, line_no smallint NOT NULL, order_row_id bigint NOT NULL REFERENCES order_row_balance,
  phase text NOT NULL CHECK (phase IN ('announce','post')), receipt_line_id bigint, without_receipt_reason text,
  qty int NOT NULL CHECK (qty>0), net_minor bigint NOT NULL CHECK (net_minor>=0), tax_minor bigint NOT NULL CHECK (tax_minor>=0),
  released boolean NOT NULL DEFAULT false, PRIMARY KEY (effect_id,line_no),
  CHECK (CASE phase WHEN 'post' THEN num_nonnulls(receipt_line_id,without_receipt_reason)=1
                    ELSE num_nonnulls(receipt_line_id,without_receipt_reason)=0 END));
CREATE INDEX effect_line_order_row ON effect_line(order_row_id);
CREATE UNIQUE INDEX one_live_credit_per_receipt_line ON effect_line(receipt_line_id) WHERE phase='post' AND NOT released;
-- what a credit effect writes in money, fees taken off included; its lines carry only what comes off order rows
CREATE FUNCTION effect_money(payload jsonb, OUT net_minor bigint, OUT tax_minor bigint) LANGUAGE sql IMMUTABLE AS $$
  SELECT sum((r->>'net_minor')::bigint)::bigint, sum((r->>'tax_minor')::bigint)::bigint FROM jsonb_array_elements(payload->'expect'->'rows') r $$;
CREATE TABLE effect_attempt(                          -- evidence, insert-only; written even when the compare-and-set lost
  effect_id bigint NOT NULL REFERENCES effect, attempt int NOT NULL, fence bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(),
  outcome text NOT NULL CHECK (outcome IN ('not_sent','not_executed','created','duplicate','refused','unknown')),
  http_status int, remote_id text, detail text);
CREATE INDEX effect_attempt_effect ON effect_attempt(effect_id);
-- legal moves only
CREATE TABLE effect_move(f effect_state, t effect_state, PRIMARY KEY(f,t));
INSERT INTO effect_move VALUES ('planned','claimed'),('planned','confirmed'),('planned','halted'),('planned','voided'),   -- planned -> confirmed: adoption only
 ('claimed','planned'),('claimed','sending'),('claimed','halted'),
 ('sending','confirmed'),('sending','rejected'),('sending','unknown'),('sending','planned'),
 ('unknown','confirmed'),('unknown','planned'),('unknown','halted'),
 ('rejected','planned'),('rejected','halted'),('rejected','voided'),
 ('halted','planned'),('halted','confirmed'),('halted','voided');
-- the one change of a frozen payload: a settled note loses the words that a customer may ask to be forgotten; the hash of what was sent stays
CREATE FUNCTION effect_forgets(o effect,n effect) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT o.kind='credit.annotate' AND o.state IN ('confirmed','voided') AND n.state=o.state
     AND n.payload=jsonb_set(o.payload,'{request,body,orderNote,text}','"[erased]"')
     AND (n.payload_sha256,n.remote_ref,n.business_key,n.kind,n.shop) IS NOT DISTINCT FROM (o.payload_sha256,o.remote_ref,o.business_key,o.kind,o.shop) $$;
CREATE FUNCTION effect_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP='INSERT' THEN
    IF NOT gates_open(NEW.shop,NEW.kind) THEN RAISE EXCEPTION 'gate closed for % of %',NEW.kind,NEW.shop; END IF;
    RETURN NEW;
  END IF;
  IF (NEW.payload,NEW.payload_sha256,NEW.remote_ref,NEW.business_key,NEW.kind,NEW.shop)
    IS DISTINCT FROM (OLD.payload,OLD.payload_sha256,OLD.remote_ref,OLD.business_key,OLD.kind,OLD.shop) THEN
    IF (OLD.attempt>0 OR OLD.approved_batch IS NOT NULL OR NEW.approved_batch IS NOT NULL) AND NOT effect_forgets(OLD,NEW) THEN
      RAISE EXCEPTION 'effect % was approved or sent: its payload and reference are frozen',OLD.effect_id; END IF;
  END IF;
  IF NEW.state<>OLD.state THEN
    IF NOT EXISTS(SELECT 1 FROM effect_move WHERE f=OLD.state AND t=NEW.state) THEN
      RAISE EXCEPTION 'illegal move % -> % on effect %',OLD.state,NEW.state,OLD.effect_id; END IF;
    IF NEW.state='claimed' AND NOT gates_open(NEW.shop,NEW.kind) THEN RAISE EXCEPTION 'gate closed for % of %',NEW.kind,NEW.shop; END IF;
  END IF;
  IF NEW.fence<OLD.fence THEN RAISE EXCEPTION 'stale fence'; END IF;
  NEW.updated_at:=clock_timestamp(); RETURN NEW; END $$;
CREATE TRIGGER effect_guard BEFORE INSERT OR UPDATE ON effect FOR EACH ROW EXECUTE FUNCTION effect_guard();
-- no unit of a goods-in line is on two transfers
CREATE FUNCTION transfer_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE unit record; came int; taken int;
BEGIN
  FOR unit IN SELECT DISTINCT (u->>'receipt_line_id')::bigint AS receipt_line_id
                FROM jsonb_array_elements(NEW.payload->'subject'->'units') u ORDER BY 1 LOOP
    SELECT quantity INTO came FROM brightpearl_goods_in WHERE receipt_line_id=unit.receipt_line_id FOR UPDATE;
    SELECT sum((u->>'quantity')::int) INTO taken FROM effect e CROSS JOIN jsonb_array_elements(e.payload->'subject'->'units') u
      WHERE e.kind='transfer.create' AND e.state<>'voided' AND (u->>'receipt_line_id')::bigint=unit.receipt_line_id
        AND e.payload->'subject'->'units' @> jsonb_build_array(jsonb_build_object('receipt_line_id',unit.receipt_line_id));
    IF taken>coalesce(came,0) THEN
      RAISE EXCEPTION 'goods-in line %: % units on transfers, % received',unit.receipt_line_id,taken,coalesce(came,0); END IF;
  END LOOP;
  RETURN NULL; END $$;
CREATE TRIGGER transfer_guard AFTER INSERT ON effect FOR EACH ROW WHEN (NEW.kind='transfer.create') EXECUTE FUNCTION transfer_guard();
-- no transaction is on two payments of a credit, however they are grouped, and no credit is paid more than it gives back
CREATE FUNCTION refund_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE credit bigint:=(NEW.payload->'subject'->>'credit_id')::bigint; worth bigint; paid bigint; twice text;
BEGIN
  -- The posting's row is the turn: what another planner wrote before is seen after it.
  SELECT (payload->'expect'->>'total_minor')::bigint INTO worth FROM effect WHERE effect_id=NEW.depends_on FOR UPDATE;
  SELECT sum((e.payload->'expect'->>'amount_minor')::bigint), min(t.id) INTO paid, twice
    FROM effect e LEFT JOIN LATERAL (
      SELECT min(o->>'transaction_id') AS id FROM jsonb_array_elements(e.payload->'subject'->'transactions') o
        WHERE NEW.payload->'subject'->'transactions' @> jsonb_build_array(jsonb_build_object('transaction_id',o->'transaction_id'))) t ON true
    WHERE e.kind='refund.record' AND e.state<>'voided' AND e.business_key<>NEW.business_key AND (e.payload->'subject'->>'credit_id')::bigint=credit;
  IF twice IS NOT NULL THEN RAISE EXCEPTION 'credit %: transaction % is on another payment',credit,twice; END IF;
  IF coalesce(paid,0)+(NEW.payload->'expect'->>'amount_minor')::bigint>worth THEN
    RAISE EXCEPTION 'credit %: payments of %, it gives back %',credit,coalesce(paid,0)+(NEW.payload->'expect'->>'amount_minor')::bigint,worth; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER refund_guard BEFORE INSERT ON effect FOR EACH ROW WHEN (NEW.kind='refund.record') EXECUTE FUNCTION refund_guard();
-- append-only evidence, hash-chained
CREATE TABLE audit(seq bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), actor text NOT NULL DEFAULT session_user,
  effect_id bigint, what text NOT NULL, detail jsonb NOT NULL, prev bytea NOT NULL, hash bytea NOT NULL);
CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE p record; BEGIN
  PERFORM pg_advisory_xact_lock(7265417);
  SELECT seq,hash INTO p FROM audit ORDER BY seq DESC LIMIT 1;
  NEW.seq:=coalesce(p.seq,0)+1; NEW.prev:=coalesce(p.hash,decode(repeat('00',32),'hex')); NEW.at:=clock_timestamp(); NEW.actor:=session_user;
  NEW.hash:=sha256(NEW.prev||convert_to(concat_ws('|',NEW.seq,to_char(NEW.at AT TIME ZONE 'UTC','YYYY-MM-DD"T"HH24:MI:SS.US'),NEW.actor,NEW.effect_id,NEW.what,NEW.detail::text),'UTF8'));
  RETURN NEW; END $$;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_chain();
CREATE FUNCTION audit_no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$;
CREATE TRIGGER audit_no BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_no();
CREATE FUNCTION audit_verify() RETURNS bigint LANGUAGE sql AS $$   -- first broken seq, or NULL
 SELECT min(seq) FROM (SELECT seq, hash<>sha256(prev||convert_to(concat_ws('|',seq,to_char(at AT TIME ZONE 'UTC','YYYY-MM-DD"T"HH24:MI:SS.US'),actor,effect_id,what,detail::text),'UTF8'))
   OR prev<>coalesce(lag(hash) OVER (ORDER BY seq),decode(repeat('00',32),'hex')) OR seq<>row_number() OVER (ORDER BY seq) AS bad FROM audit) q WHERE bad $$;

INSERT INTO gate_needed
  SELECT kind, table_name FROM (VALUES
    ('credit.raise'),('credit.cancel'),('credit.amend'),('credit.post'),('credit.annotate'),('goods_in.write'),('refund.record')) AS k(kind),
    (VALUES ('returngo_rmas'),('returngo_return_items'),('brightpearl_sales_orders'),('brightpearl_sales_credits'),('returns_return_lines')) AS t(table_name)
  UNION ALL SELECT kind, 'brightpearl_goods_in' FROM (VALUES ('credit.post'),('credit.amend'),('credit.cancel'),('transfer.create'),('transfer.dispatch'),('transfer.ship'),('transfer.release'),('returngo.receive')) AS k(kind)
  UNION ALL SELECT kind, 'returngo_transactions' FROM (VALUES ('refund.record')) AS k(kind)
  UNION ALL SELECT kind, 'returns_receipts' FROM (VALUES ('credit.post'),('transfer.create'),('transfer.dispatch'),('transfer.release'),('returngo.receive')) AS k(kind);

CREATE TABLE sink_stops(                      -- a writer's account that refused us (401/403), or a breaker that opened
  sink text PRIMARY KEY, reason text NOT NULL, stopped_at timestamptz NOT NULL DEFAULT clock_timestamp(), probe_after timestamptz NOT NULL);

CREATE TABLE ledger_epochs(                   -- one row per start of this database's life; a restore shows as a gap in the audit head
  epoch bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, started_at timestamptz NOT NULL DEFAULT clock_timestamp(), audit_seq bigint NOT NULL, note text NOT NULL);
