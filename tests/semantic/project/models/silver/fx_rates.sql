-- nothing is published on Saturday 8 January: Friday's rates hold
select
    cast(rate_date as date) as rate_date,
    currency,
    cast(units_per_eur as decimal(18, 6)) as units_per_eur
from (
    values
        ('2010-12-31', 'GBP', 0.9), ('2010-12-31', 'USD', 1.3),
        ('2011-01-07', 'GBP', 0.83455), ('2011-01-07', 'USD', 1.2961),
        ('2011-02-10', 'GBP', 0.84765), ('2011-02-10', 'USD', 1.3635),
        ('2011-03-31', 'GBP', 0.8837), ('2011-03-31', 'USD', 1.4207)
) as published (rate_date, currency, units_per_eur)
