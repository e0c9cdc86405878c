-- A second release, before the first was answered: another column renamed. Run inside one transaction.
alter table shop.customers rename column country to country_name;
