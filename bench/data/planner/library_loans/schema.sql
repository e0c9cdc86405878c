create table branch (branch_id integer, name varchar, city varchar, opened_year integer);
insert into branch values
(1, 'Central Library', 'Leeds', 1921), (2, 'Harbour Branch', 'Hull', 1964), (3, 'Northside Branch', 'Leeds', 1988),
(4, 'Riverside Branch', 'York', 2005), (5, 'Mill Lane Branch', 'Hull', 2016);
create table author (author_id integer, name varchar, country varchar, birth_year integer);
insert into author values
(1, 'Mary Okafor', 'Nigeria', 1962), (2, 'Liam Byrne', 'Ireland', 1948), (3, 'Sofia Lindqvist', 'Sweden', 1975),
(4, 'Paul Ferrand', 'France', 1959), (5, 'Aoife Daly', 'Ireland', 1981), (6, 'Kenji Mori', 'Japan', 1970),
(7, 'Ingrid Holm', 'Sweden', 1939);
create table book (book_id integer, title varchar, genre varchar, pages integer, published_year integer, author_id integer);
insert into book values
(1, 'The Salt Road', 'Novel', 412, 1998, 1), (2, 'Winter Harbour', 'Crime', 298, 2006, 3), (3, 'A House of Glass', 'Novel', 356, 2012, 1),
(4, 'Bread and Fire', 'Cooking', 180, 2015, 4), (5, 'The Quiet Witness', 'Crime', 330, 2018, 3), (6, 'Tides', 'Poetry', 96, 1985, 2),
(7, 'Maps of the North', 'Travel', 244, 2009, 5), (8, 'The Last Witness', 'Crime', 305, 2020, 5), (9, 'River Songs', 'Poetry', 112, 1979, 2),
(10, 'Kyoto Days', 'Travel', 210, 2001, 6), (11, 'Garden Fire', 'Novel', 275, 2017, 4);
create table member (member_id integer, first_name varchar, last_name varchar, age integer, city varchar, joined_on date);
insert into member values
(1, 'Anna', 'Price', 34, 'Leeds', '2015-03-02'), (2, 'Tom', 'Walsh', 19, 'Hull', '2021-09-14'), (3, 'Ruth', 'Bell', 67, 'York', '2009-01-20'),
(4, 'Omar', 'Aziz', 45, 'Leeds', '2018-06-30'), (5, 'Grace', 'Price', 28, 'Hull', '2020-11-05'), (6, 'Ivan', 'Petrov', 52, 'Leeds', '2012-04-17'),
(7, 'Nia', 'Evans', 23, 'York', '2022-02-11'), (8, 'Colin', 'Marsh', 71, 'Bradford', '2007-08-08');
create table loan (loan_id integer, book_id integer, member_id integer, branch_id integer, loaned_on date, due_on date, returned_on date, fine double);
insert into loan values
(1, 1, 1, 1, '2022-01-10', '2022-01-31', '2022-01-28', 0), (2, 2, 1, 1, '2022-02-01', '2022-02-22', '2022-03-01', 3.5),
(3, 3, 2, 2, '2022-02-03', '2022-02-24', '2022-02-20', 0), (4, 5, 3, 4, '2022-03-15', '2022-04-05', '2022-04-20', 7.5),
(5, 8, 4, 1, '2022-03-20', '2022-04-10', '2022-04-02', 0), (6, 2, 4, 3, '2022-05-11', '2022-06-01', '2022-06-02', 0.5),
(7, 6, 6, 1, '2022-06-01', '2022-06-22', '2022-06-15', 0), (8, 5, 1, 3, '2022-07-09', '2022-07-30', '2022-07-29', 0),
(9, 7, 7, 4, '2022-08-19', '2022-09-09', '2022-10-01', 11), (10, 1, 2, 2, '2022-09-02', '2022-09-23', '2022-09-21', 0),
(11, 2, 6, 1, '2023-01-05', '2023-01-26', '2023-02-10', 7), (12, 11, 5, 2, '2023-01-15', '2023-02-05', null, null),
(13, 4, 1, 1, '2023-02-02', '2023-02-23', null, null), (14, 8, 3, 4, '2023-02-12', '2023-03-05', '2023-03-03', 0);
