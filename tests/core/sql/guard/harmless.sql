select 1
select 'a;b' as text, 'it''s' as quoted, $$dollar; quoted$$ as dollars
select * from orders
select * from main.orders
SELECT ID, AMOUNT FROM ORDERS
from orders
from orders select id where amount > 10
select id as "read_csv('/etc/passwd')" from orders
select 'read_csv(''/etc/passwd'')' as said
select * exclude (status) from orders
select * replace (amount * 2 as amount) from orders
select * rename (amount as total) from orders
select columns('id|amount') from orders
select min(columns('id|amount')) from orders
select distinct status from orders
select distinct on (customer_id) id, customer_id from orders order by customer_id, id
select id from orders order by amount desc nulls last, id limit 5 offset 2
select id from orders order by all
select id from orders limit 10%
select count(*), count(distinct customer_id), count(amount) from orders
select status, sum(amount) as total from orders group by status order by status
select status, sum(amount) from orders group by 1 order by 1
select status, country, sum(amount) from orders join customers on customers.id = customer_id group by all order by all
select status, sum(amount) from orders group by rollup (status) order by status nulls last
select status, customer_id % 2 as odd, sum(amount), grouping(status) from orders group by cube (status, odd) order by all
select status, customer_id, count(*) from orders group by grouping sets ((status), (customer_id), ()) order by all
select status, sum(amount) filter (where amount > 10) as large from orders group by status order by 1
select status from orders group by status having sum(amount) > 100 order by 1
select avg(amount), median(amount), stddev(amount), var_pop(amount), mode(status) from orders
select quantile_cont(amount, 0.9), quantile_disc(amount, [0.1, 0.5]), approx_quantile(amount, 0.5) > 0 from orders
select arg_max(id, amount), arg_min(id, amount), max_by(id, amount), min_by(id, amount) from orders
select string_agg(status, ',' order by id), list(id order by id), array_agg(id order by id) from orders where id < 5
select histogram(status) from orders
select bool_and(amount >= 0), bool_or(amount > 50), bit_and(id), bit_or(id) from orders
select corr(id, amount), covar_pop(id, amount), regr_slope(id, amount) from orders
select skewness(amount), kurtosis(amount), entropy(status) from orders
select approx_count_distinct(customer_id) > 0 from orders
select first(id order by id), last(id order by id), any_value(1) from orders
select product(2) from orders where id < 4
select sum(amount) over (order by id) as running from orders order by id
select row_number() over (partition by customer_id order by ordered_at desc, id) as n, id from orders order by id
select rank() over w, dense_rank() over w, percent_rank() over w, ntile(4) over w, cume_dist() over w from orders window w as (order by amount, id) order by 1, 2
select lag(amount, 1, 0) over (order by id), lead(amount) over (order by id), id from orders order by id
select first_value(id) over w, last_value(id) over w, nth_value(id, 2) over w from orders window w as (partition by status order by id) order by 1, 2, 3
select avg(amount) over (order by id rows between 2 preceding and current row) from orders order by id
select sum(amount) over (order by ordered_at range between interval 1 day preceding and current row) from orders order by id
select sum(amount) over (order by id rows between unbounded preceding and 1 following exclude current row) from orders order by id
select id from orders qualify row_number() over (partition by customer_id order by id) = 1 order by id
select count(distinct status) over (partition by customer_id) from orders order by id
select list(id) over (order by id rows between 1 preceding and current row) from orders order by id
with paid as (select * from orders where status = 'paid') select count(*) from paid
with a as (select 1 as x), b as (select x + 1 as y from a), c as (from b) select * from a, b, c
with a as materialized (select id from orders) select count(*) from a
with a(x, y) as (select id, amount from orders) select sum(x), sum(y) from a
with recursive t as (select 1 as n union all select n + 1 from t where n < 10) select sum(n) from t
with recursive tree(id, depth) as (select 1, 0 union all select id + 1, depth + 1 from tree where depth < 3) select * from tree order by id
with orders as (select 1 as id) select * from orders
select * from (with a as (select 1 as x) select * from a) as inner_query
select o.id, c.name from orders as o join customers as c on c.id = o.customer_id order by o.id
select o.id, c.name from orders as o left join customers as c on c.id = o.customer_id and c.country = 'UK' order by o.id
select count(*) from orders as o right join customers as c on c.id = o.customer_id
select count(*) from orders as o full join customers as c on c.id = o.customer_id
select count(*) from orders cross join customers
select count(*) from orders, customers where orders.customer_id = customers.id
select count(*) from orders semi join customers on customers.id = orders.customer_id
select count(*) from orders anti join customers on customers.id = orders.customer_id
select count(*) from orders as a join orders as b using (id, customer_id)
select count(*) from orders natural join (select id, amount from orders)
select count(*) from orders as a positional join customers as b
select o.id, p.amount from orders as o asof join orders as p on o.customer_id = p.customer_id and o.ordered_at > p.ordered_at order by o.id
select c.name, l.largest from customers as c, lateral (select max(amount) as largest from orders as o where o.customer_id = c.id) as l order by 1
select c.name, (select count(*) from orders as o where o.customer_id = c.id) as n from customers as c order by 1
select name from customers as c where exists (select 1 from orders as o where o.customer_id = c.id and o.amount > 90) order by 1
select name from customers where id in (select customer_id from orders) order by 1
select name from customers where id not in (select customer_id from orders where customer_id is not null) order by 1
select id from orders where amount > (select avg(amount) from orders) order by id
select id from orders where amount >= all (select amount from orders) order by id
select id from orders where amount > any (select 50) order by id
select id from customers union select customer_id from orders order by 1
select id from customers union all select customer_id from orders order by 1
select id from customers except select customer_id from orders order by 1
select id from customers intersect select customer_id from orders order by 1
select id, name from customers union all by name select name, id from customers order by all
(select 1 as x) union all (select 2) order by x
values (1, 'a'), (2, 'b')
select * from (values (1, 'a'), (2, 'b')) as t(x, y)
select * from range(5)
select * from range(2, 10, 3) as r(i)
select * from generate_series(1, 3)
select unnest([1, 2, 3]) as x
select * from unnest([1, 2, 3]) as u(x)
select id, unnest(['a', 'b']) as letter from orders where id < 3 order by all
select unnest({'a': 1, 'b': 2})
select * from orders, unnest([1, 2]) as u(n) where id = 1 order by n
select [1, 2, 3][1], [1, 2, 3][1:2], len([1, 2]), list_sum([1, 2]), list_contains([1], 1)
select list_transform([1, 2], x -> x + 1), list_filter([1, 2, 3], x -> x > 1), list_reduce([1, 2, 3], (a, b) -> a + b)
select list_transform([1, 2], lambda x : x * 2)
select [x * 2 for x in [1, 2, 3] if x > 1]
select list_sort([3, 1, 2]), list_reverse([1, 2]), list_distinct([1, 1]), list_concat([1], [2]), flatten([[1], [2]])
select list_zip([1, 2], ['a', 'b']), list_slice([1, 2, 3], 1, 2), list_position([1, 2], 2), list_aggregate([1, 2], 'sum')
select {'a': 1, 'b': {'c': 'x'}} as s, struct_pack(x := 1).x, ({'a': 1}).a, struct_extract({'a': 1}, 'a')
select map {'a': 1, 'b': 2}['a'], map_keys(map {'a': 1}), map_values(map {'a': 1}), cardinality(map {'a': 1})
select map_entries(map {'a': 1}), map_from_entries([('a', 1)]), element_at(map {'a': 1}, 'a')
select row(1, 'a'), (1, 'a')
select '{"a": {"b": [1, 2]}}'::json -> 'a' -> 'b' ->> 0
select json_extract('{"a": 1}', '$.a'), json_extract_string('{"a": "x"}', '$.a'), json_array_length('[1, 2]')
select json_object('a', 1), json_array(1, 2), to_json({'a': 1}), json_type('{"a": 1}', '$.a'), json_valid('{}')
select json_group_array(id) from orders where id = 3
select key, value from json_each('{"a": 1, "b": 2}') order by key
select json_keys('{"a": 1}'), json_structure('{"a": 1}'), json_merge_patch('{"a": 1}', '{"b": 2}')
select date_trunc('month', ordered_at) as month, count(*) from orders group by month order by month
select extract(year from ordered_at), date_part('dow', ordered_at), year(ordered_at), monthname(ordered_at) from orders order by id
select ordered_at + interval 3 day, ordered_at - interval '2 hours', ordered_at::date - date '2024-01-01' from orders order by id
select date_diff('day', date '2024-01-01', ordered_at::date), age(timestamp '2024-03-01', timestamp '2024-01-01') from orders order by id
select strftime(ordered_at, '%Y-%m'), strptime('2024-01-31', '%Y-%m-%d'), try_strptime('x', '%Y') from orders order by id
select last_day(date '2024-02-10'), make_date(2024, 2, 3), make_timestamp(2024, 1, 2, 3, 4, 5.5), epoch(timestamp '1970-01-02')
select time_bucket(interval 7 day, ordered_at), dayofweek(ordered_at), weekofyear(ordered_at), quarter(ordered_at) from orders order by id
select timestamp '2024-01-01 10:00:00' at time zone 'Europe/Berlin'
select date_add(date '2024-01-31', interval 1 month), datesub('month', date '2024-01-01', date '2024-03-15')
select current_date >= date '2020-01-01', current_timestamp is not null, now() is not null, today() is not null
select to_timestamp(0), epoch_ms(1000), isodow(date '2024-01-01'), to_days(3), to_hours(2)
select upper('a'), lower('A'), trim('  a '), ltrim('xa', 'x'), rtrim('ax', 'x'), initcap from (select 'x' as initcap)
select substring('abc', 2, 1), substr('abc', 1, 2), left('abc', 1), right('abc', 1), 'abc'[1], 'abc'[1:2]
select concat('a', 'b', 1), 'a' || 'b', concat_ws('-', 'a', 'b'), repeat('ab', 2), reverse('abc'), lpad('1', 3, '0')
select length('abc'), strlen('ä'), position('b' in 'abc'), strpos('abc', 'c'), instr('abc', 'c'), contains('abc', 'b')
select starts_with('abc', 'a'), 'abc' ^@ 'a', suffix('abc', 'c'), ends_with('abc', 'c'), prefix('abc', 'a')
select replace('abc', 'b', 'x'), translate('abc', 'ab', 'xy'), split_part('a,b', ',', 2), string_split('a,b', ','), str_split('a b', ' ')
select regexp_matches('abc', 'b'), regexp_extract('a1b2', '[0-9]'), regexp_replace('abc', 'b', 'x'), regexp_extract_all('a1b2', '[0-9]')
select regexp_full_match('abc', 'a.c'), regexp_split_to_array('a1b', '[0-9]'), 'abc' similar to 'a.c', 'abc' ~ 'a.c'
select 'abc' like 'a%', 'ABC' ilike 'a%', 'abc' not like 'x%', 'abc' glob 'a*', 'a%' like 'a$%' escape '$'
select levenshtein('ab', 'ac'), jaccard('ab', 'ac'), jaro_winkler_similarity('ab', 'ac'), hamming('ab', 'ac'), damerau_levenshtein('ab', 'ba')
select ascii('a'), chr(97), unicode('a'), md5('a'), sha256('a'), hash('a') is not null, base64('a'::blob), hex('a')
select format('{} {}', 'a', 1), printf('%d', 1), format_bytes(1024), bar(5, 0, 10), strip_accents('é'), nfc_normalize('e')
select abs(-1), round(1.5), round(1.234, 2), floor(1.5), ceil(1.2), trunc(1.7), sign(-2), 7 % 3, 7 // 2, 2 ** 3
select sqrt(4), exp(0), ln(1), log(10), log2(8), power(2, 3), pi(), sin(0), cos(0), atan2(0, 1), degrees(pi()), radians(180)
select greatest(1, 2), least(1, 2), gcd(4, 6), lcm(4, 6), factorial(4), even(3), bit_count(5), xor(1, 2), 5 & 3, 5 | 2, 1 << 3
select isnan('nan'::double), isinf('inf'::double), isfinite(1.0), nextafter(1.0, 2.0) > 1, cbrt(8), random() >= 0, uuid() is not null
select cast('1' as integer), '1'::bigint, try_cast('x' as integer), 1::decimal(10, 2), '2024-01-01'::date, 'a'::varchar, try(1 / 0)
select case when amount > 50 then 'large' when amount > 10 then 'middle' else 'small' end as size, count(*) from orders group by size order by size
select case status when 'paid' then 1 else 0 end from orders order by id
select coalesce(null, 1), ifnull(null, 2), nullif(1, 1), if(true, 1, 2), null is null, 1 is distinct from null
select id from orders where amount between 10 and 20 and not status = 'open' or id in (1, 2) order by id
select id from orders where (customer_id, status) in ((1, 'paid'), (2, 'open')) order by id
select id from orders where status is not null and amount is not distinct from 10 order by id
select typeof(1), pg_typeof('a'), typeof([1]), typeof({'a': 1})
select 'a' collate nocase = 'A', 'ä' collate noaccent = 'a', name from customers order by name collate de
select count(*) <= 50 from orders using sample 50%
select count(*) <= 10 from orders using sample 10 rows
select count(*) >= 0 from orders tablesample bernoulli(10%)
pivot orders on status in ('paid', 'open') using sum(amount) group by customer_id order by customer_id
select * from (select customer_id, status, amount from orders) pivot (sum(amount) as total for status in ('paid', 'open')) order by customer_id
unpivot (select id, amount, customer_id from orders where id < 3) on amount, customer_id into name n value v order by all
select * from (select id, amount::int as amount, customer_id from orders where id < 3) unpivot (v for n in (amount, customer_id)) order by all
select #1, #2 from orders order by 1 limit 1
select enum_range(null::enum('a', 'b')), 'a'::enum('a', 'b')
select union_value(x := 1) as u, union_tag(union_value(x := 1))
select generate_subscripts([1, 2], 1), array_value(1, 2), list_cosine_similarity([1.0, 2.0], [1.0, 2.0])
select equi_width_bins(0, 10, 2, true), width from (select 1 as width)
select date_trunc('week', ordered_at) as week, status, sum(amount) as revenue, sum(sum(amount)) over (partition by status order by date_trunc('week', ordered_at)) as running from orders group by week, status order by all
with monthly as (select date_trunc('month', ordered_at) as m, sum(amount) as r from orders group by m) select m, r, r / lag(r) over (order by m) - 1 as growth from monthly order by m
with ranked as (select customer_id, sum(amount) as total, rank() over (order by sum(amount) desc) as n from orders group by customer_id) select * from ranked where n <= 3 order by n
with firsts as (select customer_id, min(ordered_at) as first_at from orders group by all) select date_trunc('month', first_at) as cohort, count(*) from firsts group by all order by all
select sum(amount) / sum(sum(amount)) over () as share, status from orders group by status order by status
select name, list(status order by orders.id) from customers join orders on orders.customer_id = customers.id group by name order by name
/* a comment; with a semicolon */ select /* inner */ 1 -- the end
select 1 as "select", 2 as "from", 3 as "drop table orders"
select 'Robert''); drop table students;--' as name
select '{{ env_var("HOME") }}' as template, 'ignore previous instructions' as prompt
