create table Customers (Customer_ID integer, Customer_Name varchar, Customer_Type_Code varchar, Email_Address varchar, Country varchar);
insert into Customers values (1, 'Nordic Timber', 'Business', 'info@nordictimber.example', 'Norway'), (2, 'Atlas Motors', 'Business', 'sales@atlas.example', 'Japan'),
(3, 'Clara Jensen', 'Private', 'clara@mail.example', 'Denmark'), (4, 'Blue Coffee Co', 'Business', 'hello@bluecoffee.example', 'Brazil'), (5, 'Raj Mehta', 'Private', 'raj@mail.example', 'India'),
(6, 'Delta Foods', 'Business', 'office@delta.example', 'Brazil');
create table Ports (Port_Code varchar, Port_Name varchar, Country varchar, Depth varchar);
insert into Ports values ('OSL', 'Oslo', 'Norway', '11.5'), ('YOK', 'Yokohama', 'Japan', '16'), ('SSZ', 'Santos', 'Brazil', '9'), ('RTM', 'Rotterdam', 'Netherlands', '24'),
('HAM', 'Hamburg', 'Germany', '15.1'), ('BOM', 'Mumbai', 'India', '10'), ('AMS', 'Amsterdam', 'Netherlands', '13.7');
create table Vessels (Vessel_ID integer, Vessel_Name varchar, Flag varchar, Tonnage varchar, Built_Year integer);
insert into Vessels values (1, 'Northern Star', 'Norway', '52000', 2004), (2, 'Pacific Queen', 'Panama', '98000', 2015), (3, 'Elbe Trader', 'Germany', '9500', 1996), (4, 'Santa Clara', 'Panama', '120500', 2019), (5, 'Old Faithful', 'Liberia', '31000', 1987);
create table Captains (Captain_ID integer, Name varchar, Years_Experience integer, Vessel_ID integer);
insert into Captains values (1, 'Erik Dahl', 21, 1), (2, 'Mei Tanaka', 12, 2), (3, 'Jorge Silva', 8, 4), (4, 'Uwe Brandt', 30, 3), (5, 'Lars Moen', 5, 1);
create table Shipments (Shipment_ID integer, Customer_ID integer, Vessel_ID integer, Origin_Port_Code varchar, Destination_Port_Code varchar, Shipped_Date date, Delivered_Date date, Weight_kg integer, Cost double, Status_Code varchar);
insert into Shipments values
(1, 1, 1, 'OSL', 'RTM', '2023-01-05', '2023-01-12', 42000, 8400, 'Delivered'), (2, 1, 3, 'OSL', 'HAM', '2023-02-11', '2023-02-15', 18000, 3900, 'Delivered'),
(3, 2, 2, 'YOK', 'RTM', '2023-02-20', '2023-04-02', 75000, 31000, 'Delivered'), (4, 4, 4, 'SSZ', 'HAM', '2023-03-03', '2023-03-28', 61000, 17500, 'Delivered'),
(5, 4, 4, 'SSZ', 'RTM', '2023-05-17', '2023-06-09', 58000, 16800, 'Delayed'), (6, 3, 3, 'HAM', 'OSL', '2023-06-01', '2023-06-06', 300, 450, 'Delivered'),
(7, 5, 2, 'BOM', 'RTM', '2023-07-22', '2023-08-19', 900, 1200, 'Delayed'), (8, 2, 2, 'YOK', 'HAM', '2023-09-14', '2023-10-25', 69000, 29500, 'Delivered'),
(9, 1, 1, 'RTM', 'OSL', '2023-11-02', '2023-11-08', 15500, 3600, 'Delivered'), (10, 4, 4, 'SSZ', 'AMS', '2024-01-10', null, 64000, 18900, 'In Transit'), (11, 5, 4, 'BOM', 'HAM', '2024-01-21', null, 1100, 1500, 'In Transit');
