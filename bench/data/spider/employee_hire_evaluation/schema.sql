CREATE TABLE employee(Employee_ID BIGINT, "Name" VARCHAR, Age BIGINT, City VARCHAR);
CREATE TABLE evaluation(Employee_ID BIGINT, Year_awarded BIGINT, Bonus DOUBLE);
CREATE TABLE hiring(Shop_ID BIGINT, Employee_ID BIGINT, Start_from BIGINT, Is_full_time VARCHAR);
CREATE TABLE shop(Shop_ID BIGINT, "Name" VARCHAR, "Location" VARCHAR, District VARCHAR, Number_products BIGINT, Manager_name VARCHAR);

