{{ judged_events(
    ref('int_clicks__checked'), ['click_id'], 'clicked_at', ['visitor', 'amount'],
    delay='10 minutes', lateness='2 hours', ahead='1 hour'
) }}
