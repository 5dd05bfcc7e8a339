-- What the built-in catalogue says of a day, as an engineer would write it by hand for one engine: one pass over each table.
WITH held AS (
    SELECT customer_no,
        coalesce(sum(balance_fen) FILTER (product_class = 'demand_deposit'), 0) AS demand_balance,
        coalesce(sum(balance_fen) FILTER (product_class = 'term_deposit'), 0) AS term_balance,
        coalesce(sum(balance_fen) FILTER (product_class IN ('demand_deposit', 'term_deposit')), 0) AS deposits,
        coalesce(sum(balance_fen) FILTER (product_class = 'wealth'), 0) AS wealth_balance,
        coalesce(sum(balance_fen) FILTER (product_class = 'fund'), 0) AS fund_balance,
        coalesce(sum(balance_fen) FILTER (product_class = 'insurance'), 0) AS insurance_balance,
        coalesce(sum(balance_fen) FILTER (product_class IN ('mortgage', 'consumer_loan')), 0) AS loan_balance,
        bool_or(product_class = 'debit_card') AS has_debit_card, bool_or(product_class = 'term_deposit') AS has_term_deposit,
        bool_or(product_class = 'wealth') AS has_wealth, bool_or(product_class = 'fund') AS has_fund,
        bool_or(product_class = 'insurance') AS has_insurance, bool_or(product_class = 'credit_card') AS has_credit_card,
        bool_or(product_class = 'mortgage') AS has_mortgage, bool_or(product_class = 'consumer_loan') AS has_consumer_loan,
        count(DISTINCT product_class) AS products_held,
        coalesce(sum(balance_fen) FILTER (product_class = 'term_deposit' AND matures_on - $today BETWEEN 0 AND 60), 0) AS term_maturing_60d,
        min(matures_on) FILTER (product_class = 'term_deposit' AND matures_on >= $today) AS next_maturity,
        arg_min(auto_renew, matures_on::VARCHAR || '|' || holding_id) FILTER (product_class = 'term_deposit' AND matures_on >= $today) AS auto_renew_next
    FROM holding GROUP BY customer_no),
recent AS (
    SELECT customer_no,
        count(*) FILTER (type IN ('transaction', 'purchase') AND occurred_at >= $d30) AS transactions_30d,
        count(*) FILTER (type IN ('transaction', 'purchase') AND occurred_at >= $d90) AS transactions_90d,
        count(*) FILTER (type IN ('transaction', 'purchase') AND occurred_at >= $d180) AS transactions_180d,
        coalesce(sum(amount_fen) FILTER (type IN ('transaction', 'purchase') AND occurred_at >= $d90), 0) AS spend_90d,
        count(*) FILTER (type IN ('transaction', 'first_wallet_payment') AND channel = 'wallet' AND occurred_at >= $d30) AS wallet_payments_30d,
        coalesce(sum(amount_fen) FILTER (type = 'payroll' AND occurred_at >= $d90), 0) AS payroll_90d,
        coalesce(sum(amount_fen) FILTER (type = 'transfer_out' AND occurred_at >= $d30), 0) AS transfer_out_30d,
        coalesce(sum(amount_fen) FILTER (type = 'transfer_in' AND occurred_at >= $d30), 0) AS transfer_in_30d,
        coalesce(sum(amount_fen) FILTER (type = 'transfer_out' AND amount_fen >= 5000000 AND occurred_at >= $d30), 0) AS large_outflow_30d,
        count(*) FILTER (type = 'page_view' AND scene = 'wealth' AND occurred_at >= $d30) AS wealth_views_30d,
        count(*) FILTER (type = 'push_open' AND occurred_at >= $d90) AS push_opens_90d,
        count(*) FILTER (type = 'sms_click' AND occurred_at >= $d90) AS sms_clicks_90d,
        count(*) FILTER (type IN ('push_open', 'push_click', 'sms_click', 'wecom_reply', 'call_connected') AND occurred_at >= $d90) AS responses_90d
    FROM event WHERE recorded_at < $until AND occurred_at < $until AND occurred_at >= $d180 GROUP BY customer_no),
logins AS (
    SELECT customer_no, count(DISTINCT day) FILTER (day > last - 30) AS login_days_30d, count(DISTINCT day) AS login_days_90d
    FROM (SELECT customer_no, (epoch(occurred_at)::BIGINT + 28800) // 86400 AS day, (epoch($until)::BIGINT + 28800) // 86400 - 1 AS last
        FROM event WHERE type = 'login' AND recorded_at < $until AND occurred_at < $until AND occurred_at >= $d90)
    GROUP BY customer_no),
active AS (
    SELECT customer_no, (epoch($until)::BIGINT - 1 - epoch(max(occurred_at))::BIGINT) // 86400 AS days_since_last_activity
    FROM event WHERE recorded_at < $until AND occurred_at < $until
        AND type IN ('login', 'transaction', 'purchase', 'transfer_out', 'page_view', 'push_open', 'sms_click')
    GROUP BY customer_no),
known AS (
    SELECT c.*, year($today) - year(birth_date) - ((month(birth_date), day(birth_date)) > (month($today), day($today)))::INT AS age,
        $today - opened_on AS tenure_days, employer_id IS NOT NULL AS payroll, $today - complaint_on AS days_since_complaint,
        $today - risk_assessed_on AS days_since_risk_assessment,
        COLUMNS(h.* EXCLUDE (customer_no)), COLUMNS(r.* EXCLUDE (customer_no)), login_days_30d, login_days_90d, days_since_last_activity
    FROM customer c LEFT JOIN held h USING (customer_no) LEFT JOIN recent r USING (customer_no)
    LEFT JOIN logins l USING (customer_no) LEFT JOIN active a USING (customer_no)),
filled AS (
    SELECT * REPLACE (
        coalesce(demand_balance, 0) AS demand_balance, coalesce(term_balance, 0) AS term_balance, coalesce(deposits, 0) AS deposits,
        coalesce(wealth_balance, 0) AS wealth_balance, coalesce(fund_balance, 0) AS fund_balance,
        coalesce(insurance_balance, 0) AS insurance_balance, coalesce(loan_balance, 0) AS loan_balance,
        coalesce(has_debit_card, false) AS has_debit_card, coalesce(has_term_deposit, false) AS has_term_deposit,
        coalesce(has_wealth, false) AS has_wealth, coalesce(has_fund, false) AS has_fund, coalesce(has_insurance, false) AS has_insurance,
        coalesce(has_credit_card, false) AS has_credit_card, coalesce(has_mortgage, false) AS has_mortgage,
        coalesce(has_consumer_loan, false) AS has_consumer_loan, coalesce(products_held, 0) AS products_held,
        coalesce(term_maturing_60d, 0) AS term_maturing_60d, coalesce(transactions_30d, 0) AS transactions_30d,
        coalesce(transactions_90d, 0) AS transactions_90d, coalesce(transactions_180d, 0) AS transactions_180d,
        coalesce(spend_90d, 0) AS spend_90d, coalesce(wallet_payments_30d, 0) AS wallet_payments_30d, coalesce(payroll_90d, 0) AS payroll_90d,
        coalesce(transfer_out_30d, 0) AS transfer_out_30d, coalesce(transfer_in_30d, 0) AS transfer_in_30d,
        coalesce(large_outflow_30d, 0) AS large_outflow_30d, coalesce(wealth_views_30d, 0) AS wealth_views_30d,
        coalesce(push_opens_90d, 0) AS push_opens_90d, coalesce(sms_clicks_90d, 0) AS sms_clicks_90d, coalesce(responses_90d, 0) AS responses_90d,
        coalesce(login_days_30d, 0) AS login_days_30d, coalesce(login_days_90d, 0) AS login_days_90d),
        source AS acquisition_source, acquisition_cost_fen AS acquisition_cost, next_maturity - $today AS days_to_maturity
    FROM known),
ruled AS (
    SELECT *, deposits + wealth_balance + fund_balance + insurance_balance AS aum,
        risk_tolerance IS NOT NULL AND coalesce(days_since_risk_assessment, 9999) <= 365 AS has_valid_risk_assessment,
        coalesce(days_since_last_activity, 9999) >= 180 AS dormant, transfer_out_30d - transfer_in_30d AS net_outflow_30d,
        transactions_180d - transactions_90d AS transactions_prior_90d
    FROM filled),
scored AS (
    SELECT *,
        1 + (aum >= 5000000)::INT + (aum >= 20000000)::INT + (aum >= 50000000)::INT + (aum >= 100000000)::INT + (aum >= 600000000)::INT AS tier,
        CASE WHEN tenure_days <= 30 THEN 'new' WHEN coalesce(days_since_last_activity, tenure_days) >= 180 THEN 'lost'
            WHEN tenure_days <= 180 THEN 'growing' WHEN transactions_prior_90d > 0 AND transactions_90d * 10 <= transactions_prior_90d * 7 THEN 'declining'
            ELSE 'mature' END AS lifecycle_stage,
        CASE WHEN products_held >= 5 THEN 30 WHEN products_held = 4 THEN 26 WHEN products_held = 3 THEN 20 WHEN products_held = 2 THEN 13
            WHEN products_held = 1 THEN 6 ELSE 0 END AS score_products,
        CASE WHEN tenure_days >= 3650 THEN 15 WHEN tenure_days >= 1825 THEN 12 WHEN tenure_days >= 730 THEN 9 WHEN tenure_days >= 365 THEN 6
            WHEN tenure_days >= 90 THEN 3 ELSE 1 END AS score_tenure,
        CASE WHEN aum >= 600000000 THEN 25 WHEN aum >= 100000000 THEN 22 WHEN aum >= 50000000 THEN 19 WHEN aum >= 20000000 THEN 15
            WHEN aum >= 5000000 THEN 10 WHEN aum >= 1000000 THEN 5 WHEN aum > 0 THEN 2 ELSE 0 END AS score_balance,
        CASE WHEN login_days_90d >= 20 OR responses_90d >= 3 THEN 15 WHEN login_days_90d >= 8 OR responses_90d >= 1 THEN 11
            WHEN login_days_90d >= 3 THEN 7 WHEN login_days_90d >= 1 OR transactions_90d >= 1 THEN 4 ELSE 0 END AS score_interaction,
        CASE WHEN (payroll OR pension) AND wecom_friend AND merchant_owner THEN 15 WHEN (payroll OR pension) AND wecom_friend THEN 12
            WHEN merchant_owner AND wecom_friend THEN 12 WHEN payroll OR pension OR merchant_owner THEN 8 WHEN wecom_friend THEN 6 ELSE 0 END AS score_network
    FROM ruled)
SELECT *, NULL::BIGINT AS relation_risk, NULL::BIGINT AS churn_risk, NULL::BIGINT AS outflow_risk, NULL::BIGINT AS renewal_chance, score_products + score_tenure + score_balance + score_interaction + score_network AS relationship_score
FROM scored ORDER BY customer_no
