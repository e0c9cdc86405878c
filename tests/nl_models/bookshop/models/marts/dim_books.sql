select book_id, book_title, genre_name, list_price, is_out_of_print
from (
    values
    (1, 'Fjords by Kayak', 'Travel', 31.0, false),
    (2, 'The Quiet Orchard', 'Fiction', 12.5, false),
    (3, 'Bread at Home', 'Cooking', 22.0, false),
    (4, 'Old Maps', 'Travel', 48.0, true)
) as books (book_id, book_title, genre_name, list_price, is_out_of_print)
