select * from (values (1, 'Norway'), (2, 'Sweden')) as c (country_id, name)
