create table Owners (owner_id integer primary key, owner_name varchar, phone varchar, home_town varchar);
insert into Owners values (1, 'Helga Braun', '555-0101', 'Bremen'), (2, 'Tariq Aziz', '555-0102', 'Lyon'), (3, 'Wendy Cole', '555-0103', 'Bergen'), (4, 'Pietro Russo', '555-0104', 'Turin');
create table Agents (agent_id integer primary key, first_name varchar, last_name varchar, commission_rate double, joined_year integer);
insert into Agents values (1, 'Nora', 'Quist', 4.5, 2012), (2, 'Jack', 'Tully', 3.8, 2019), (3, 'Maya', 'Ilic', 5.2, 2015), (4, 'Leo', 'Falk', 4.0, 2021);
create table Properties (property_id integer primary key, owner_id integer references Owners (owner_id), agent_id integer references Agents (agent_id), property_type varchar, street varchar, city varchar, bedrooms integer, area_sqm integer, monthly_rent integer, has_garden varchar);
insert into Properties values (1, 1, 1, 'Apartment', '12 Oak Street', 'Bremen', 2, 64, 820, 'no'), (2, 1, 1, 'House', '3 Elm Road', 'Bremen', 4, 132, 1650, 'yes'), (3, 2, 2, 'Studio', '88 Rue Verte', 'Lyon', 1, 31, 590, 'no'),
(4, 2, 3, 'Apartment', '5 Quai Sud', 'Lyon', 3, 88, 1240, 'no'), (5, 4, 3, 'Villa', '1 Via Alta', 'Turin', 6, 260, 3900, 'yes'), (6, 1, 2, 'Studio', '40 Oak Street', 'Bremen', 1, 28, 510, 'no'), (7, 4, 1, 'House', '17 Via Bassa', 'Turin', 3, 118, 1480, 'yes');
create table Tenants (tenant_id integer primary key, full_name varchar, occupation varchar, age integer, current_city varchar, previous_city varchar);
insert into Tenants values (1, 'Abel Kern', 'Nurse', 31, 'Bremen', 'Hamburg'), (2, 'Zoe Martin', 'Teacher', 27, 'Lyon', 'Paris'), (3, 'Carla Bianchi', 'Architect', 44, 'Turin', 'Milan'), (4, 'Dirk Vogel', 'Student', 22, 'Bremen', 'Bremen'),
(5, 'Hana Suzuki', 'Student', 24, 'Lyon', 'Tokyo'), (6, 'Enzo Greco', 'Chef', 38, 'Turin', 'Rome'), (7, 'Ola Nowak', 'Teacher', 52, 'Bremen', 'Hamburg');
create table Leases (lease_id integer primary key, property_id integer references Properties (property_id), tenant_id integer references Tenants (tenant_id), start_date date, end_date date, deposit integer);
insert into Leases values (1, 1, 1, '2020-02-01', '2022-01-31', 1640), (2, 2, 7, '2019-06-01', '2024-05-31', 3300), (3, 3, 2, '2021-09-01', '2022-08-31', 1180), (4, 3, 5, '2022-09-01', '2023-08-31', 1250), (5, 4, 2, '2022-09-01', '2025-08-31', 2480),
(6, 5, 3, '2018-01-01', '2023-12-31', 7800), (7, 1, 4, '2022-02-01', '2023-01-31', 1700), (8, 6, 4, '2023-02-01', '2024-01-31', 1020);
