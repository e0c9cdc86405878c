CREATE TABLE Cartoon(id DOUBLE, Title VARCHAR, Directed_by VARCHAR, Written_by VARCHAR, Original_air_date VARCHAR, Production_code DOUBLE, Channel BIGINT);
CREATE TABLE TV_Channel(id BIGINT, series_name VARCHAR, Country VARCHAR, "Language" VARCHAR, "Content" VARCHAR, Pixel_aspect_ratio_PAR VARCHAR, Hight_definition_TV VARCHAR, Pay_per_view_PPV VARCHAR, Package_Option VARCHAR);
CREATE TABLE TV_series(id DOUBLE, Episode VARCHAR, Air_Date VARCHAR, Rating DOUBLE, "Share" DOUBLE, "18_49_Rating_Share" VARCHAR, Viewers_m DOUBLE, Weekly_Rank DOUBLE, Channel BIGINT);

