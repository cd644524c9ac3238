-- What the two systems said: the tables of the assets, one per asset key (a/b is a_b), and the rows that hang below them.
-- Money is whole minor units beside its currency; Brightpearl's four-decimal nets stay beside them as evidence.

CREATE TABLE returngo_rmas(
  rma_id bigint PRIMARY KEY, shop text NOT NULL, status text NOT NULL, order_name text NOT NULL, shopify_order_id text NOT NULL,
  created_at timestamptz NOT NULL, approved_at timestamptz, last_updated_at timestamptz, store_location_id text,
  is_out_of_policy boolean NOT NULL, exchange_orders jsonb NOT NULL DEFAULT '[]',   -- [{draft_order_id, order_id, order_name, type}]
  cancellation_fee_minor bigint NOT NULL DEFAULT 0,
  list_fingerprint text, is_open boolean NOT NULL, first_seen_at timestamptz NOT NULL DEFAULT now(), detail_read_at timestamptz NOT NULL);
CREATE INDEX returngo_rmas_open ON returngo_rmas(shop, rma_id) WHERE is_open;
CREATE INDEX returngo_rmas_oldest_open ON returngo_rmas(shop, created_at) WHERE is_open;
CREATE INDEX returngo_rmas_changed ON returngo_rmas(detail_read_at);
CREATE INDEX returngo_rmas_newest ON returngo_rmas(shop, created_at);

CREATE TABLE returngo_unusable_details(       -- details that could not be kept, and what the list said then: not asked for again until that changes
  rma_id bigint PRIMARY KEY, shop text NOT NULL, listed_as text NOT NULL, read_at timestamptz NOT NULL);

CREATE TABLE returngo_shipments(
  shipment_id bigint PRIMARY KEY, shop text NOT NULL, rma_id bigint NOT NULL, status text NOT NULL, carrier_name text,
  tracking_number text, tracking_url text, label_url text, is_outbound boolean NOT NULL);
CREATE INDEX returngo_shipments_rma ON returngo_shipments(rma_id);

CREATE TABLE returngo_return_items(          -- one row per unit: ReturnGo has no quantity
  returned_item_id bigint PRIMARY KEY, shop text NOT NULL, rma_id bigint NOT NULL, shipment_id bigint,
  shopify_line_item_id text NOT NULL, shopify_product_id text, shopify_variant_id text, sku text NOT NULL, barcode text,
  paid_price_minor bigint NOT NULL, paid_tax_minor bigint NOT NULL, currency text NOT NULL,                     -- what the customer saw
  shop_paid_price_minor bigint NOT NULL, shop_paid_tax_minor bigint NOT NULL, shop_currency text NOT NULL,      -- what the shop booked
  is_tax_included boolean NOT NULL, return_reason text, resolution_type text NOT NULL, return_method_type text NOT NULL,
  restocking_fee_minor bigint NOT NULL, return_fee_minor bigint NOT NULL, shipment_fee_minor bigint NOT NULL,   -- in currency
  is_returned boolean NOT NULL, is_restockable boolean NOT NULL, validated_at timestamptz,                      -- inspected only when validated_at is set
  non_restockable_reason text, non_returned_reason text,
  exchange_items jsonb NOT NULL DEFAULT '[]');                          -- [{variant_id, quantity, sku, effective_price_minor, currency}]
CREATE INDEX returngo_return_items_rma ON returngo_return_items(rma_id);

CREATE TABLE returngo_transactions(
  transaction_id bigint PRIMARY KEY, shop text NOT NULL, rma_id bigint, type text NOT NULL, status text NOT NULL,
  amount_minor bigint NOT NULL, currency text NOT NULL, shop_amount_minor bigint NOT NULL, shop_currency text NOT NULL,
  external_reference_type text, platform_refund_id text,                -- never a store-credit code: it is money
  returned_item_ids bigint[] NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL, last_updated_at timestamptz);
CREATE INDEX returngo_transactions_rma ON returngo_transactions(rma_id);

CREATE TABLE brightpearl_sales_orders(
  order_id bigint PRIMARY KEY, shop text NOT NULL, external_ref text, customer_ref text, channel_id bigint NOT NULL,
  order_status_id bigint NOT NULL, customer_contact_id bigint NOT NULL, currency text NOT NULL, accounting_currency text NOT NULL,
  exchange_rate numeric(18,6) NOT NULL, price_list_id bigint, price_mode text NOT NULL CHECK (price_mode IN ('EXC','INC')),
  warehouse_id bigint NOT NULL, project_id bigint, lead_source_id bigint, staff_owner_id bigint, team_id bigint, shipping_method_id bigint,
  delivery_country text, invoice_reference text NOT NULL, invoice_tax_date timestamptz, shipping_status text NOT NULL,
  payment_status text, payment_method_codes text[],     -- null until a refund is to be recorded
  net_minor bigint NOT NULL, tax_minor bigint NOT NULL, total_minor bigint NOT NULL,
  placed_on timestamptz, created_on timestamptz NOT NULL, updated_on timestamptz, read_at timestamptz NOT NULL);
-- by reference first: a return may name a sale in another shop's channel
CREATE INDEX brightpearl_sales_orders_external ON brightpearl_sales_orders(external_ref);
CREATE INDEX brightpearl_sales_orders_customer ON brightpearl_sales_orders(customer_ref);
CREATE INDEX brightpearl_sales_orders_newest ON brightpearl_sales_orders(shop, greatest(created_on, updated_on));
CREATE INDEX brightpearl_sales_orders_changed ON brightpearl_sales_orders(read_at);

CREATE TABLE brightpearl_sales_order_rows(
  order_row_id bigint PRIMARY KEY, order_id bigint NOT NULL, sequence integer NOT NULL, product_id bigint, sku text, name text NOT NULL,   -- product_id null: free text (1000)
  quantity integer NOT NULL, shipped_quantity integer NOT NULL, row_net numeric(18,4) NOT NULL, net_minor bigint NOT NULL, tax_minor bigint NOT NULL,
  tax_code text NOT NULL, tax_rate numeric(9,4), nominal_code text, item_cost numeric(18,4), cost_currency text, discount_percentage numeric(9,4),
  is_bundle_parent boolean NOT NULL, is_bundle_child boolean NOT NULL, parent_row_id bigint, external_ref text);
CREATE INDEX brightpearl_sales_order_rows_order ON brightpearl_sales_order_rows(order_id);

CREATE TABLE brightpearl_products(
  product_id bigint PRIMARY KEY, sku text, barcode text, ean text, upc text, name text NOT NULL, status text NOT NULL,
  is_stock_tracked boolean NOT NULL, is_bundle boolean NOT NULL, components jsonb NOT NULL DEFAULT '[]',         -- [{product_id, quantity}]
  tax_code text, nominal_code_sales text, cost_value numeric(18,4), cost_currency text, updated_on timestamptz, is_gone boolean NOT NULL DEFAULT false, read_at timestamptz NOT NULL);
CREATE INDEX brightpearl_products_sku ON brightpearl_products(sku);
CREATE INDEX brightpearl_products_barcode ON brightpearl_products(barcode);

CREATE TABLE brightpearl_sales_credits(       -- ours and others'
  credit_id bigint PRIMARY KEY, shop text NOT NULL, order_id bigint, external_ref text, installed_integration_instance_id bigint, reference text,
  order_status_id bigint NOT NULL, customer_contact_id bigint, warehouse_id bigint, channel_id bigint, currency text NOT NULL, exchange_rate numeric(18,6),
  price_mode text, net_minor bigint NOT NULL, tax_minor bigint NOT NULL, total_minor bigint NOT NULL,
  invoice_reference text NOT NULL,            -- '' unposted, 'pending' while Brightpearl posts, then the number
  invoice_tax_date timestamptz, stock_status text, payment_status text, is_cancelled boolean NOT NULL, is_gone boolean NOT NULL DEFAULT false,
  created_on timestamptz NOT NULL, updated_on timestamptz, created_by bigint, read_at timestamptz NOT NULL);
CREATE INDEX brightpearl_sales_credits_order ON brightpearl_sales_credits(order_id);
CREATE INDEX brightpearl_sales_credits_reference ON brightpearl_sales_credits(external_ref);
CREATE INDEX brightpearl_sales_credits_unposted ON brightpearl_sales_credits(shop, invoice_reference) WHERE invoice_reference IN ('', 'pending') AND NOT is_gone;
CREATE INDEX brightpearl_sales_credits_changed ON brightpearl_sales_credits(read_at);

CREATE TABLE brightpearl_sales_credit_rows(
  credit_row_id bigint PRIMARY KEY, credit_id bigint NOT NULL, sequence integer, product_id bigint, sku text, name text, quantity integer NOT NULL,
  row_net numeric(18,4) NOT NULL, net_minor bigint NOT NULL, tax_minor bigint NOT NULL, tax_code text, nominal_code text,
  is_bundle_parent boolean NOT NULL, is_bundle_child boolean NOT NULL, parent_row_id bigint,
  order_row_id bigint);                       -- the sale's row it gives back, found by product, sequence and money
CREATE INDEX brightpearl_sales_credit_rows_credit ON brightpearl_sales_credit_rows(credit_id);

CREATE TABLE brightpearl_searched_sales(       -- sales whose credits were searched by sale; from then on changes are enough
  order_id bigint PRIMARY KEY, searched_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE brightpearl_goods_in(            -- one row per line of a goods-in note
  receipt_line_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, goods_note_id bigint NOT NULL, credit_id bigint NOT NULL, credit_row_id bigint NOT NULL,
  product_id bigint NOT NULL, location_id bigint NOT NULL, warehouse_id bigint NOT NULL, quantity integer NOT NULL, shop text,
  received_on timestamptz NOT NULL, created_by bigint, user_batch_reference text, cost_value numeric(18,4), cost_currency text,
  is_reversed boolean NOT NULL DEFAULT false, read_at timestamptz NOT NULL,
  UNIQUE (goods_note_id, credit_row_id, product_id, location_id));
CREATE INDEX brightpearl_goods_in_credit ON brightpearl_goods_in(credit_id);
CREATE INDEX brightpearl_goods_in_newest ON brightpearl_goods_in(shop, receipt_line_id);
CREATE INDEX brightpearl_goods_in_received ON brightpearl_goods_in(shop, received_on);
CREATE INDEX brightpearl_goods_in_changed ON brightpearl_goods_in(read_at);

CREATE TABLE brightpearl_stock_moves(         -- units that left a Returns warehouse, on whatever note
  movement_id bigint PRIMARY KEY, note_id bigint NOT NULL, product_id bigint NOT NULL, warehouse_id bigint NOT NULL, quantity integer NOT NULL, moved_on timestamptz NOT NULL);
CREATE INDEX brightpearl_stock_moves_product ON brightpearl_stock_moves(product_id, warehouse_id, moved_on);

CREATE TABLE brightpearl_transfer_notes(      -- whether a goods-out note of a transfer of ours was shipped when it was last looked at
  note_id bigint PRIMARY KEY, is_shipped boolean NOT NULL, looked_at timestamptz NOT NULL);

CREATE TABLE brightpearl_shelf_moves(         -- units moved between locations of a Returns warehouse
  goods_movement_id bigint PRIMARY KEY, goods_note_id bigint NOT NULL, product_id bigint NOT NULL, warehouse_id bigint NOT NULL, location_id bigint NOT NULL,
  quantity integer NOT NULL, moved_on timestamptz NOT NULL);
CREATE INDEX brightpearl_shelf_moves_product ON brightpearl_shelf_moves(product_id, moved_on);

CREATE TABLE inspections(                     -- recorded by a person (job, command line) or read from a location
  inspection_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shop text NOT NULL, rma_id bigint NOT NULL, returned_item_id bigint, receipt_line_id bigint,
  quantity integer NOT NULL CHECK (quantity>0), result text NOT NULL CHECK (result IN ('pass','damaged','write_off')), reason text,
  source text NOT NULL CHECK (source IN ('job','brightpearl_location')), recorded_by text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX inspections_rma ON inspections(rma_id);

CREATE TABLE returns_return_lines(            -- units of one RMA, one parcel, one order row
  return_line_id text PRIMARY KEY,            -- {rma_id}-{order_row_id}-{shipment_id or 0}; unmatched units: {rma_id}-x{returned_item_id}-{shipment_id or 0}
  shop text NOT NULL, rma_id bigint NOT NULL, rma_status text NOT NULL, shipment_id bigint, order_id bigint, order_row_id bigint, product_id bigint,
  sku_returned text NOT NULL, sku_sold text, quantity integer NOT NULL, returned_item_ids bigint[] NOT NULL, life text NOT NULL,
  matched_by text, currency text, paid_price_minor bigint NOT NULL, paid_tax_minor bigint NOT NULL, fee_minor bigint NOT NULL, resolution_type text NOT NULL,
  return_reasons text, approved_at timestamptz,
  verdict text NOT NULL CHECK (verdict IN ('ok','waiting','held','void')),   -- waiting: time heals it; held: a person; void: nothing is to be credited
  hold_code text, expected text, found text, suggestion text, judged_at timestamptz NOT NULL,
  CHECK ((verdict IN ('held','waiting')) = (hold_code IS NOT NULL)));
CREATE INDEX returns_return_lines_rma ON returns_return_lines(rma_id);
CREATE INDEX returns_return_lines_order ON returns_return_lines(order_id);
CREATE INDEX returns_return_lines_changed ON returns_return_lines(judged_at);

CREATE TABLE returns_receipts(                -- goods-in lines against return lines, with what inspection said
  receipt_line_id bigint PRIMARY KEY, shop text NOT NULL, rma_id bigint, return_line_id text, credit_id bigint NOT NULL, credit_row_id bigint NOT NULL,
  order_id bigint, order_row_id bigint, product_id bigint NOT NULL, quantity integer NOT NULL, matched_quantity integer NOT NULL,
  passed_quantity integer NOT NULL, failed_quantity integer NOT NULL, warehouse_id bigint NOT NULL, location_id bigint NOT NULL, received_on timestamptz NOT NULL,
  verdict text NOT NULL CHECK (verdict IN ('ok','held')), hold_code text, expected text, found text, judged_at timestamptz NOT NULL,
  CHECK (matched_quantity<=quantity AND passed_quantity+failed_quantity<=quantity), CHECK ((verdict='held') = (hold_code IS NOT NULL)));
CREATE INDEX returns_receipts_rma ON returns_receipts(rma_id);
CREATE INDEX returns_receipts_credit ON returns_receipts(credit_id);
CREATE INDEX returns_receipts_newest ON returns_receipts(shop, receipt_line_id);
CREATE INDEX returns_receipts_held ON returns_receipts(shop) WHERE verdict='held';
CREATE INDEX returns_receipts_lying ON returns_receipts(shop, received_on) WHERE matched_quantity > passed_quantity;
CREATE INDEX returns_receipts_product ON returns_receipts(product_id, warehouse_id, received_on);
CREATE INDEX returns_receipts_changed ON returns_receipts(judged_at);

CREATE TABLE returns_credit_proposals(        -- one row per credit row that a writer may act on, with its tax proof
  proposal_id text PRIMARY KEY,               -- {action}:{business key}:{line number}
  action text NOT NULL CHECK (action IN ('raise','cancel','write_goods_in','amend','post','annotate','record_refund')),
  business_key text NOT NULL, shop text NOT NULL, rma_id bigint NOT NULL, order_id bigint NOT NULL, part integer NOT NULL, credit_id bigint, credit_row_id bigint,
  order_row_id bigint, return_line_id text, receipt_line_id bigint, without_receipt_reason text, quantity integer NOT NULL,
  net_minor bigint NOT NULL, tax_minor bigint NOT NULL, currency text NOT NULL, tax_code text,
  charged_quantity integer, charged_net_minor bigint, charged_tax_minor bigint,            -- the sale's row
  before_quantity integer, before_net_minor bigint, before_tax_minor bigint,               -- taken before, by us and by others
  exact_tax_minor numeric(20,6), rounding_minor numeric(20,6),                             -- unrounded cumulative share, and what rounding moved
  portal_paid_minor bigint, portal_fee_minor bigint, details jsonb NOT NULL DEFAULT '{}',
  verdict text NOT NULL CHECK (verdict IN ('ok','waiting','held')), hold_code text, expected text, found text, judged_at timestamptz NOT NULL,
  CHECK ((verdict<>'ok') = (hold_code IS NOT NULL)));
CREATE INDEX returns_credit_proposals_rma ON returns_credit_proposals(rma_id);
CREATE INDEX returns_credit_proposals_held ON returns_credit_proposals(credit_id) WHERE verdict='held';
CREATE INDEX returns_credit_proposals_changed ON returns_credit_proposals(judged_at);

CREATE TABLE returns_transfer_proposals(      -- passed units that may go back on sale
  proposal_id text PRIMARY KEY, shop text NOT NULL, rma_id bigint NOT NULL, receipt_line_id bigint NOT NULL, product_id bigint NOT NULL,
  quantity integer NOT NULL, moved_quantity integer NOT NULL, source_warehouse_id bigint NOT NULL, source_location_id bigint NOT NULL, target_warehouse_id bigint, is_from_quarantine boolean NOT NULL,
  passed_at timestamptz, verdict text NOT NULL CHECK (verdict IN ('ok','waiting','held')), hold_code text, expected text, found text, judged_at timestamptz NOT NULL,
  CHECK ((verdict<>'ok') = (hold_code IS NOT NULL)));
CREATE INDEX returns_transfer_proposals_rma ON returns_transfer_proposals(rma_id);

CREATE TABLE finance_three_way_match(         -- RMA line, goods-in, credit and money side by side
  return_line_id text PRIMARY KEY, shop text NOT NULL, rma_id bigint NOT NULL, order_id bigint, order_row_id bigint, currency text, tax_code text, life text NOT NULL,
  announced_quantity integer NOT NULL, received_quantity integer NOT NULL, credited_quantity integer NOT NULL, raised_credit_ids bigint[] NOT NULL DEFAULT '{}',
  received_on timestamptz, credited_on timestamptz, credit_reference text,
  expected_net_minor bigint, expected_tax_minor bigint, credited_net_minor bigint NOT NULL, credited_tax_minor bigint NOT NULL,
  foreign_quantity integer NOT NULL, refunded_minor bigint NOT NULL, recorded_minor bigint NOT NULL,
  state text NOT NULL, cause text NOT NULL, difference_minor bigint NOT NULL, compared_at timestamptz NOT NULL);
CREATE INDEX finance_three_way_match_rma ON finance_three_way_match(rma_id);
CREATE INDEX finance_three_way_match_recent ON finance_three_way_match(shop, compared_at);
CREATE INDEX finance_three_way_match_changed ON finance_three_way_match(compared_at);

CREATE TABLE finance_match_coverage(          -- how much of what is compared has met, by day: the trend
  shop text NOT NULL, day date NOT NULL, currency text NOT NULL, tax_code text NOT NULL DEFAULT '', lines bigint NOT NULL, met_lines bigint NOT NULL,
  expected_minor bigint NOT NULL, met_minor bigint NOT NULL, difference_minor bigint NOT NULL, PRIMARY KEY (shop, day, currency, tax_code));

CREATE TABLE finance_month_end_close(         -- one row per figure of a month's picture: the sum of its lines
  shop text NOT NULL, month date NOT NULL, figure text NOT NULL, currency text NOT NULL, tax_code text NOT NULL DEFAULT '', cases bigint NOT NULL, quantity bigint NOT NULL,
  net_minor bigint, tax_minor bigint, gross_minor bigint, cost_minor bigint, computed_at timestamptz NOT NULL, PRIMARY KEY (shop, month, figure, currency, tax_code));

CREATE TABLE finance_month_end_lines(         -- the cases beneath the figures
  shop text NOT NULL, month date NOT NULL, figure text NOT NULL, line_no bigint NOT NULL, subject_type text NOT NULL, subject_id text NOT NULL, rma_id bigint,
  currency text NOT NULL, tax_code text NOT NULL DEFAULT '', quantity bigint NOT NULL, net_minor bigint, tax_minor bigint, gross_minor bigint, cost_minor bigint,
  happened_on timestamptz, age_days bigint, note text NOT NULL DEFAULT '', PRIMARY KEY (shop, month, figure, line_no));

CREATE TABLE month_closes(                    -- the frozen picture with its hash; once signed it never changes
  shop text NOT NULL, month date NOT NULL, sha256 text NOT NULL, lines jsonb NOT NULL, computed_at timestamptz NOT NULL, run_id text NOT NULL,
  explanations jsonb NOT NULL DEFAULT '{}', signed_by text, reason text, signed_at timestamptz, PRIMARY KEY (shop, month),
  CHECK ((signed_at IS NULL) = (signed_by IS NULL) AND (signed_at IS NULL) = (reason IS NULL)));
CREATE TABLE month_close_reruns(              -- what a signed close would say differently, each time it was computed again
  shop text NOT NULL, month date NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(), run_id text NOT NULL, sha256 text NOT NULL, changes jsonb NOT NULL,
  PRIMARY KEY (shop, month, at), FOREIGN KEY (shop, month) REFERENCES month_closes);
CREATE FUNCTION signed_close_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE about record; BEGIN
  IF TG_OP='INSERT' THEN about:=NEW; ELSE about:=OLD; END IF;
  IF EXISTS(SELECT 1 FROM month_closes c WHERE c.shop=about.shop AND c.month=about.month AND c.signed_at IS NOT NULL) THEN
    RAISE EXCEPTION 'the close of % for % is signed and stays as it is',about.month,about.shop; END IF;
  IF TG_OP='DELETE' THEN RETURN OLD; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER signed_close_stays BEFORE UPDATE OR DELETE ON month_closes FOR EACH ROW EXECUTE FUNCTION signed_close_stays();
CREATE TRIGGER signed_close_stays BEFORE INSERT OR UPDATE OR DELETE ON finance_month_end_close FOR EACH ROW EXECUTE FUNCTION signed_close_stays();
CREATE TRIGGER signed_close_stays BEFORE INSERT OR UPDATE OR DELETE ON finance_month_end_lines FOR EACH ROW EXECUTE FUNCTION signed_close_stays();

CREATE TABLE imported_refunds(                -- refunds made straight in Shopify, from a list that a person imported
  shop text NOT NULL, refund_id text NOT NULL, order_name text NOT NULL, refunded_on timestamptz NOT NULL, currency text NOT NULL, amount_minor bigint NOT NULL CHECK (amount_minor>0),
  imported_by text NOT NULL, imported_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (shop, refund_id));

CREATE TABLE audit_cases(                     -- past returns as the historical audit read them; null: listed and not read yet
  shop text NOT NULL, rma_id bigint NOT NULL, created_at timestamptz, facts jsonb, read_at timestamptz, PRIMARY KEY (shop, rma_id),
  CHECK ((facts IS NULL) = (read_at IS NULL)));
CREATE INDEX audit_cases_unread ON audit_cases(shop, rma_id) WHERE facts IS NULL;
