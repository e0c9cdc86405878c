CREATE TABLE cars_data(Id BIGINT, MPG VARCHAR, Cylinders BIGINT, Edispl DOUBLE, Horsepower VARCHAR, Weight BIGINT, Accelerate DOUBLE, "Year" BIGINT);
CREATE TABLE car_makers(Id BIGINT, Maker VARCHAR, FullName VARCHAR, Country BIGINT);
CREATE TABLE car_names(MakeId BIGINT, Model VARCHAR, Make VARCHAR);
CREATE TABLE continents(ContId BIGINT, Continent VARCHAR);
CREATE TABLE countries(CountryId BIGINT, CountryName VARCHAR, Continent BIGINT);
CREATE TABLE model_list(ModelId BIGINT, Maker BIGINT, Model VARCHAR);

