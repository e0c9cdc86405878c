CREATE TABLE concert(concert_ID BIGINT, concert_Name VARCHAR, Theme VARCHAR, Stadium_ID BIGINT, "Year" BIGINT);
CREATE TABLE singer(Singer_ID BIGINT, "Name" VARCHAR, Country VARCHAR, Song_Name VARCHAR, Song_release_year BIGINT, Age BIGINT, Is_male VARCHAR);
CREATE TABLE singer_in_concert(concert_ID BIGINT, Singer_ID BIGINT);
CREATE TABLE stadium(Stadium_ID BIGINT, "Location" VARCHAR, "Name" VARCHAR, Capacity BIGINT, Highest BIGINT, Lowest BIGINT, Average BIGINT);

