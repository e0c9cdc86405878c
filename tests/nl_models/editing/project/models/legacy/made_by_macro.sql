{{ all_sales() }}
