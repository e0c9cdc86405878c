-- Invoice lines of the data set, with each line's place in its invoice. Input: the Parquet file as `retail`.
create or replace temp table invoice_lines as
with

numbered as (

    select
        *,
        file_row_number as file_position

    from retail

)

select
    InvoiceNo as invoice_no,
    cast(row_number() over (partition by InvoiceNo order by file_position) as integer) as line_number,
    StockCode as stock_code,
    Description as description,
    cast(Quantity as integer) as quantity,
    cast(InvoiceDate as timestamp) as invoiced_at,
    cast(UnitPrice as decimal(12, 4)) as unit_price,
    cast(CustomerID as integer) as customer_id,
    Country as country,
    starts_with(InvoiceNo, 'C') as is_cancellation,
    file_position

from numbered;
