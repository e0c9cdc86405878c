CREATE TABLE museum(Museum_ID BIGINT, "Name" VARCHAR, Num_of_Staff BIGINT, Open_Year BIGINT);
CREATE TABLE visit(Museum_ID BIGINT, visitor_ID BIGINT, Num_of_Ticket BIGINT, Total_spent DOUBLE);
CREATE TABLE visitor(ID BIGINT, "Name" VARCHAR, Level_of_membership BIGINT, Age BIGINT);

