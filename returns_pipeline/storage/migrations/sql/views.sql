-- Views for people and reports: what is open, what was written, what matched, what calls cost, how healthy it is.

CREATE VIEW exceptions_open AS
  SELECT exception_id, code, owner, severity, shop, subject_type, subject_id, rma_id, money_minor, currency, expected, found, suggestion, cause, state,
    first_seen_at, last_seen_at, due_at, clock_timestamp()-first_seen_at AS age, due_at<clock_timestamp() AS is_overdue
  FROM exceptions WHERE state IN ('open','acknowledged');
CREATE VIEW returns_exceptions AS SELECT * FROM exceptions_open;
CREATE VIEW effects AS
  SELECT e.effect_id, e.shop, e.kind, e.business_key, e.remote_ref, e.state, e.reason, e.attempt, e.remote_id, e.confirmed_by, e.needs_approval, e.approved_batch IS NOT NULL AS is_approved,
    e.created_at, e.sent_at, e.updated_at, (SELECT sum(l.qty)::bigint FROM effect_line l WHERE l.effect_id=e.effect_id) AS quantity, m.net_minor, m.tax_minor
  FROM effect e CROSS JOIN LATERAL effect_money(e.payload) m;
CREATE VIEW match_lines AS SELECT * FROM finance_three_way_match;
CREATE VIEW match_totals AS
  SELECT shop, coalesce(currency,'') AS currency, coalesce(tax_code,'') AS tax_code, state, count(*) AS lines, sum(announced_quantity)::bigint AS announced_quantity,
    sum(received_quantity)::bigint AS received_quantity, sum(credited_quantity)::bigint AS credited_quantity, sum(credited_net_minor)::bigint AS credited_net_minor,
    sum(credited_tax_minor)::bigint AS credited_tax_minor, sum(refunded_minor)::bigint AS refunded_minor, sum(difference_minor)::bigint AS difference_minor
  FROM finance_three_way_match GROUP BY 1, 2, 3, 4;
-- Each call is counted in one of the columns from `confirmations` to `other_reads`; the last two are Brightpearl's.
CREATE VIEW api_usage AS
  SELECT api, shop, hour, sum(calls)::bigint AS calls, sum(milliseconds)::bigint AS milliseconds, min(least_remaining) AS least_remaining,
    coalesce(sum(calls) FILTER (WHERE purpose='confirmation'),0)::bigint AS confirmations, coalesce(sum(calls) FILTER (WHERE purpose='look-up'),0)::bigint AS look_ups,
    coalesce(sum(calls) FILTER (WHERE purpose='detail'),0)::bigint AS details, coalesce(sum(calls) FILTER (WHERE purpose='list'),0)::bigint AS lists,
    coalesce(sum(calls) FILTER (WHERE purpose='transaction'),0)::bigint AS transactions, coalesce(sum(calls) FILTER (WHERE purpose='history'),0)::bigint AS history,
    coalesce(sum(calls) FILTER (WHERE purpose='registration'),0)::bigint AS registrations, coalesce(sum(calls) FILTER (WHERE purpose='write'),0)::bigint AS writes,
    coalesce(sum(calls) FILTER (WHERE purpose='read'),0)::bigint AS other_reads, coalesce(sum(calls) FILTER (WHERE http_status=429 OR (api='brightpearl' AND http_status=503)),0)::bigint AS refused
  FROM (SELECT *, CASE WHEN path_template LIKE '%webhook%' THEN 'registration' WHEN priority=3 THEN 'history' WHEN priority=1 THEN 'look-up'
          WHEN api='brightpearl' THEN CASE priority WHEN 0 THEN 'write' ELSE 'read' END
          WHEN priority=0 THEN 'confirmation' WHEN path_template='/rma/{id}' THEN 'detail' WHEN path_template='/transactions' THEN 'transaction' ELSE 'list' END AS purpose
        FROM api_calls) c GROUP BY api, shop, hour;
CREATE VIEW pipeline_health AS SELECT * FROM operations_health;
CREATE VIEW brightpearl_expected_returns AS SELECT * FROM effects WHERE kind IN ('credit.raise','credit.cancel','goods_in.write');
CREATE VIEW brightpearl_posted_credits AS SELECT * FROM effects WHERE kind IN ('credit.amend','credit.post','credit.annotate','refund.record');
CREATE VIEW returngo_receipt_confirmations AS SELECT * FROM effects WHERE kind='returngo.receive';
CREATE VIEW brightpearl_stock_transfers AS SELECT * FROM effects WHERE kind LIKE 'transfer.%';
