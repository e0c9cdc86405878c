CREATE TABLE Addresses(address_id BIGINT, line_1 VARCHAR, line_2 VARCHAR, line_3 VARCHAR, city VARCHAR, zip_postcode VARCHAR, state_province_county VARCHAR, country VARCHAR, other_address_details VARCHAR);
CREATE TABLE Courses(course_id BIGINT, course_name VARCHAR, course_description VARCHAR, other_details VARCHAR);
CREATE TABLE Degree_Programs(degree_program_id BIGINT, department_id BIGINT, degree_summary_name VARCHAR, degree_summary_description VARCHAR, other_details VARCHAR);
CREATE TABLE Departments(department_id BIGINT, department_name VARCHAR, department_description VARCHAR, other_details VARCHAR);
CREATE TABLE Sections(section_id BIGINT, course_id BIGINT, section_name VARCHAR, section_description VARCHAR, other_details VARCHAR);
CREATE TABLE Semesters(semester_id BIGINT, semester_name VARCHAR, semester_description VARCHAR, other_details VARCHAR);
CREATE TABLE Students(student_id BIGINT, current_address_id BIGINT, permanent_address_id BIGINT, first_name VARCHAR, middle_name VARCHAR, last_name VARCHAR, cell_mobile_number VARCHAR, email_address VARCHAR, ssn VARCHAR, date_first_registered VARCHAR, date_left VARCHAR, other_student_details VARCHAR);
CREATE TABLE Student_Enrolment(student_enrolment_id BIGINT, degree_program_id BIGINT, semester_id BIGINT, student_id BIGINT, other_details VARCHAR);
CREATE TABLE Student_Enrolment_Courses(student_course_id BIGINT, course_id BIGINT, student_enrolment_id BIGINT);
CREATE TABLE Transcripts(transcript_id BIGINT, transcript_date VARCHAR, other_details VARCHAR);
CREATE TABLE Transcript_Contents(student_course_id BIGINT, transcript_id BIGINT);

