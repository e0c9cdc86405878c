{{ late_events(ref('int_click_events'), 'web.clicks', 'click_id') }}
