create table stadium (stadiumId integer primary key, stadiumName varchar, city varchar, capacity integer);
insert into stadium values (1, 'Anchor Park', 'Seaton', 42000), (2, 'The Foundry', 'Ironville', 28500), (3, 'Meadow Ground', 'Greenfield', 15200),
(4, 'Castle Stadium', 'Kingsbridge', 60100), (5, 'Dockside Arena', 'Seaton', 19800);
create table team (teamId integer primary key, teamName varchar, foundedYear integer, coach varchar, stadiumId integer references stadium (stadiumId));
insert into team values (1, 'Seaton City', 1898, 'Bruno Alves', 1), (2, 'Ironville United', 1905, 'Gary Shaw', 2), (3, 'Greenfield Rovers', 1932, 'Lena Koch', 3),
(4, 'Kingsbridge FC', 1889, 'Marco Conti', 4), (5, 'Seaton Athletic', 1947, 'Dai Rees', 5);
create table player (playerId integer primary key, fullName varchar, position varchar, nationality varchar, birthDate date, heightCm integer, marketValue double, teamId integer references team (teamId));
insert into player values
(1, 'Rui Costa Lima', 'Forward', 'Portugal', '1998-03-11', 181, 24.5, 1), (2, 'Ben Archer', 'Goalkeeper', 'England', '1993-07-02', 192, 8, 1),
(3, 'Jonas Weber', 'Midfielder', 'Germany', '2000-12-19', 178, 31, 4), (4, 'Pablo Ortiz', 'Forward', 'Spain', '1996-05-27', 185, 40, 4),
(5, 'Craig Nolan', 'Defender', 'Ireland', '1990-09-14', 188, 3.2, 2), (6, 'Sean Doyle', 'Midfielder', 'Ireland', '2002-01-30', 174, 12, 2),
(7, 'Kwame Mensah', 'Forward', 'Ghana', '1999-11-05', 183, 18, 3), (8, 'Tim Fuchs', 'Defender', 'Germany', '1995-04-08', 190, 6.5, 3),
(9, 'Luis Vega', 'Midfielder', 'Spain', '1997-08-21', 176, 15, 1), (10, 'Owen Hart', 'Defender', 'England', '2001-06-16', 186, 9.4, 4),
(11, 'Daniel Frost', 'Goalkeeper', 'England', '1988-02-25', 195, 1.1, 2), (12, 'Milan Petric', 'Forward', 'Croatia', '2003-10-09', 180, 5, 3);
create table fixture (fixtureId integer primary key, homeTeamId integer references team (teamId), awayTeamId integer references team (teamId),
    playedOn date, homeGoals integer, awayGoals integer, attendance integer);
insert into fixture values
(1, 1, 2, '2022-08-13', 2, 0, 38200), (2, 3, 4, '2022-08-13', 1, 3, 14100), (3, 2, 3, '2022-09-03', 1, 1, 20350), (4, 4, 1, '2022-09-10', 2, 2, 57800),
(5, 1, 3, '2022-10-01', 4, 1, 36900), (6, 2, 4, '2022-10-22', 0, 1, 26400), (7, 3, 1, '2023-02-11', 0, 2, 13050), (8, 4, 2, '2023-02-25', 3, 1, 55200),
(9, 1, 4, '2023-03-18', 1, 0, 41000), (10, 4, 3, '2023-04-08', 5, 0, 49900);
create table scorer (fixtureId integer references fixture (fixtureId), playerId integer references player (playerId), goals integer);
insert into scorer values (1, 1, 2), (2, 7, 1), (2, 4, 2), (2, 3, 1), (3, 6, 1), (3, 12, 1), (4, 4, 1), (4, 3, 1), (4, 1, 2), (5, 1, 3), (5, 9, 1), (5, 7, 1),
(6, 4, 1), (7, 9, 2), (8, 3, 1), (8, 4, 2), (8, 6, 1), (9, 1, 1), (10, 4, 3), (10, 10, 1), (10, 3, 1);
