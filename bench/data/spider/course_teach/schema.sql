CREATE TABLE course(Course_ID BIGINT, Staring_Date VARCHAR, Course VARCHAR);
CREATE TABLE course_arrange(Course_ID BIGINT, Teacher_ID BIGINT, Grade BIGINT);
CREATE TABLE teacher(Teacher_ID BIGINT, "Name" VARCHAR, Age BIGINT, Hometown VARCHAR);

