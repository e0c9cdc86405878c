create table Departments (Department_ID integer primary key, Name varchar, Floor integer);
insert into Departments values (1, 'Cardiology', 2), (2, 'Pediatrics', 1), (3, 'Neurology', 3), (4, 'Radiology', 0), (5, 'Oncology', 3);
create table Doctors (Doctor_ID integer primary key, First_Name varchar, Last_Name varchar, Specialty varchar, Salary integer, Hire_Date date,
    Department_ID integer references Departments (Department_ID));
insert into Doctors values
(10, 'Elena', 'Ruiz', 'Heart Surgery', 185000, '2010-05-01', 1), (11, 'Mark', 'Stone', 'Arrhythmia', 142000, '2016-09-12', 1),
(12, 'Priya', 'Nair', 'Child Health', 118000, '2019-01-07', 2), (13, 'Hans', 'Keller', 'Epilepsy', 155000, '2008-11-23', 3),
(14, 'Julie', 'Chan', 'Stroke', 161000, '2014-03-30', 3), (15, 'Peter', 'Novak', 'Child Health', 109000, '2021-07-19', 2),
(16, 'Amara', 'Diallo', 'Imaging', 127000, '2017-02-14', 4);
create table Patients (Patient_ID integer primary key, Name varchar, Gender varchar, Date_of_Birth date, City varchar, Blood_Type varchar);
insert into Patients values
(1, 'Oscar Lund', 'M', '1958-04-12', 'Springfield', 'A+'), (2, 'Dana White', 'F', '1984-08-30', 'Riverton', 'O-'),
(3, 'Felix Grant', 'M', '2015-01-19', 'Springfield', 'B+'), (4, 'Irene Costa', 'F', '1947-12-03', 'Lakeside', 'O+'),
(5, 'Sam Porter', 'M', '1990-06-25', 'Riverton', 'A+'), (6, 'Lucy Adler', 'F', '2012-10-08', 'Springfield', 'AB+'),
(7, 'Noah Berg', 'M', '1973-02-17', 'Fairview', 'O+'), (8, 'Helen Tran', 'F', '1966-07-21', 'Lakeside', 'A-'), (9, 'Victor Hale', 'M', '1981-11-11', 'Springfield', 'O+');
create table Appointments (Appointment_ID integer primary key, Patient_ID integer references Patients (Patient_ID),
    Doctor_ID integer references Doctors (Doctor_ID), Appointment_Date date, Status varchar, Fee double);
insert into Appointments values
(100, 1, 10, '2023-01-09', 'Completed', 220), (101, 1, 11, '2023-02-14', 'Completed', 150), (102, 2, 13, '2023-02-20', 'Cancelled', 0),
(103, 3, 12, '2023-03-01', 'Completed', 80), (104, 6, 12, '2023-03-02', 'Completed', 85), (105, 4, 14, '2023-03-15', 'Completed', 190),
(106, 4, 10, '2023-04-03', 'No Show', 0), (107, 5, 16, '2023-04-18', 'Completed', 130), (108, 8, 13, '2023-05-05', 'Completed', 175),
(109, 1, 10, '2023-06-21', 'Completed', 210), (110, 3, 15, '2023-07-11', 'Cancelled', 0), (111, 6, 12, '2023-09-28', 'Completed', 90),
(112, 4, 14, '2024-01-16', 'Scheduled', 195), (113, 2, 11, '2024-01-22', 'Scheduled', 140), (114, 8, 10, '2024-02-05', 'Scheduled', 230);
create table Prescriptions (Prescription_ID integer primary key, Appointment_ID integer references Appointments (Appointment_ID), Medicine_Name varchar, Quantity integer);
insert into Prescriptions values
(1, 100, 'Aspirin', 30), (2, 100, 'Bisoprolol', 60), (3, 101, 'Bisoprolol', 30), (4, 103, 'Amoxicillin', 14), (5, 104, 'Paracetamol', 20),
(6, 105, 'Aspirin', 90), (7, 105, 'Clopidogrel', 30), (8, 108, 'Lamotrigine', 56), (9, 111, 'Amoxicillin', 21), (10, 107, 'Paracetamol', 10), (11, 109, 'Bisoprolol', 60);
