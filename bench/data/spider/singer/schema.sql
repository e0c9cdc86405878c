CREATE TABLE singer(Singer_ID BIGINT, "Name" VARCHAR, Birth_Year DOUBLE, Net_Worth_Millions DOUBLE, Citizenship VARCHAR);
CREATE TABLE song(Song_ID BIGINT, Title VARCHAR, Singer_ID BIGINT, Sales DOUBLE, Highest_Position DOUBLE);

