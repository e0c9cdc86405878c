select * from (values (1, 1, 'Harbour', 'north', 'X'), (2, 1, 'Hill', 'south', 'Y'), (3, 2, 'Lake', 'north', 'Z'))
as b (branch_id, country_id, name, region, zone)
