create table Band (Band_ID integer primary key, Band_Name varchar, Genre varchar, Formed_Year integer, Home_Country varchar, Members integer);
insert into Band values (1, 'Velvet Tram', 'Rock', 1998, 'Poland', 5), (2, 'Glass Pilots', 'Electronic', 2011, 'Germany', 2), (3, 'Old Ferry', 'Folk', 2004, 'Ireland', 6), (4, 'Neon Harvest', 'Electronic', 2016, 'France', 3),
(5, 'The Lanterns', 'Rock', 1987, 'Ireland', 4), (6, 'Mono Lake', 'Jazz', 2009, 'Germany', 4), (7, 'Paper Wolves', 'Rock', 2019, 'Poland', 3);
create table Stage (Stage_ID integer primary key, Stage_Name varchar, Max_Audience integer, Is_Covered varchar);
insert into Stage values (1, 'Main Stage', 22000, 'No'), (2, 'River Tent', 4500, 'Yes'), (3, 'Forest Stage', 7800, 'No'), (4, 'Silent Dome', 1200, 'Yes'), (5, 'Dawn Deck', 600, 'No');
create table Festival_Edition (Edition_ID integer primary key, Year integer, Theme varchar, Host_City varchar, Tickets_Sold integer);
insert into Festival_Edition values (1, 2019, 'Rivers', 'Gdansk', 48000), (2, 2022, 'Light', 'Gdansk', 51500), (3, 2023, 'Echo', 'Sopot', 39800), (4, 2024, 'Salt', 'Sopot', 60250);
create table Performance (Performance_ID integer primary key, Band_ID integer, Stage_ID integer, Edition_ID integer, Audience integer, Duration_Minutes integer, Fee integer,
  foreign key (Band_ID) references Band (Band_ID), foreign key (Stage_ID) references Stage (Stage_ID), foreign key (Edition_ID) references Festival_Edition (Edition_ID));
insert into Performance values (1, 1, 1, 1, 15000, 75, 12000), (2, 2, 2, 1, 3900, 60, 5000), (3, 3, 3, 1, 5200, 50, 4000), (4, 1, 1, 2, 18000, 80, 15000), (5, 5, 3, 2, 7100, 90, 14000), (6, 4, 2, 2, 4400, 55, 6500),
(7, 2, 1, 3, 16500, 70, 9000), (8, 6, 4, 3, 900, 100, 2500), (9, 1, 1, 4, 21000, 95, 20000), (10, 5, 3, 4, 6800, 85, 13000), (11, 4, 4, 4, 1150, 45, 5500), (12, 3, 3, 4, 5900, 60, 5000);
