select i as bench_id, 1 + i % 3 as branch_id, 'Bench ' || i as name, 10 * i as height, ['A', 'B'][1 + i % 2] as zone from range(1, 6) as r (i)
