select
    stock_code,
    description,
    is_merchandise
from (
    values ('85123A', 'WHITE HANGING HEART', true), ('22423', 'CAKESTAND', true), ('POST', 'POSTAGE', false)
) as listed (stock_code, description, is_merchandise)
