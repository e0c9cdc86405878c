create table users (id integer primary key, username varchar, country varchar, signup_date date);
insert into users values (1, 'saltandpepper', 'Canada', '2018-02-11'), (2, 'mama_rosa', 'Italy', '2016-07-30'), (3, 'spicequeen', 'India', '2019-05-04'),
(4, 'bakerben', 'United States', '2020-10-21'), (5, 'greenfork', 'Germany', '2021-01-15'), (6, 'noodlefan', 'United States', '2017-12-09'), (7, 'lurker99', 'Canada', '2022-03-18'), (8, 'oldbay', 'United States', '2020-02-02');
create table recipes (id integer primary key, user_id integer references users (id), title varchar, cuisine varchar, prep_minutes integer, servings integer, calories integer);
insert into recipes values
(1, 2, 'Lasagna al Forno', 'Italian', 90, 6, 720), (2, 2, 'Margherita Pizza', 'Italian', 40, 2, 860), (3, 3, 'Chickpea Curry', 'Indian', 35, 4, 430),
(4, 3, 'Vegetable Biryani', 'Indian', 75, 6, 510), (5, 4, 'Apple Pie', 'American', 80, 8, 390), (6, 4, 'Sourdough Bread', 'American', 240, 10, 180),
(7, 5, 'Lentil Salad', 'Vegan', 20, 3, 260), (8, 6, 'Ramen Noodle Soup', 'Japanese', 55, 2, 610), (9, 1, 'Maple Salmon', 'Canadian', 25, 2, 480), (10, 2, 'Tomato Salad', 'Italian', 10, 4, 150),
(11, 6, 'Peanut Noodle Bowl', 'Thai', 30, 2, 640);
create table ingredients (id integer primary key, name varchar, category varchar, price_per_unit double);
insert into ingredients values (1, 'Tomato', 'Vegetable', 0.4), (2, 'Mozzarella', 'Dairy', 1.9), (3, 'Chickpeas', 'Legume', 0.8), (4, 'Rice', 'Grain', 0.5), (5, 'Flour', 'Grain', 0.3),
(6, 'Apple', 'Fruit', 0.6), (7, 'Lentils', 'Legume', 0.7), (8, 'Noodles', 'Grain', 1.1), (9, 'Salmon', 'Fish', 4.8), (10, 'Basil', 'Herb', 0.9), (11, 'Saffron', 'Spice', 7.5), (12, 'Onion', 'Vegetable', 0.2);
create table recipe_ingredients (recipe_id integer references recipes (id), ingredient_id integer references ingredients (id), quantity integer);
insert into recipe_ingredients values (1, 1, 5), (1, 2, 2), (1, 5, 3), (1, 12, 1), (2, 1, 3), (2, 2, 2), (2, 5, 4), (2, 10, 1), (3, 3, 4), (3, 12, 2), (3, 1, 2), (4, 4, 5), (4, 12, 2),
(5, 6, 8), (5, 5, 3), (6, 5, 9), (7, 7, 3), (7, 12, 1), (8, 8, 2), (8, 12, 1), (9, 9, 2), (10, 1, 4), (10, 10, 1), (11, 8, 2);
create table reviews (id integer primary key, recipe_id integer references recipes (id), user_id integer references users (id), stars integer, comment varchar, review_date date);
insert into reviews values (1, 1, 1, 5, 'Just perfect', '2021-03-02'), (2, 1, 4, 4, 'A bit long but great', '2021-06-12'), (3, 2, 3, 5, 'Great crust', '2021-07-01'), (4, 3, 5, 5, 'My new favourite', '2021-09-09'),
(5, 3, 1, 4, 'Great for lunch', '2022-01-20'), (6, 5, 6, 3, 'Too sweet', '2022-02-14'), (7, 6, 2, 2, 'Did not rise', '2022-04-01'), (8, 8, 5, 4, null, '2022-05-05'), (9, 3, 2, 5, 'Very good', '2022-08-16'),
(10, 9, 6, 4, 'Quick and great', '2022-11-11'), (11, 5, 1, 4, 'Lovely', '2023-01-01'), (12, 4, 1, 3, 'Dry', '2023-02-10'), (13, 7, 7, 5, 'Fresh', '2023-03-03');
