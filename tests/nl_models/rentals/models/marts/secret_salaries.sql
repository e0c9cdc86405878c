select 1 as mechanic_id, 4000 as salary
