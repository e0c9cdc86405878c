"""Questions over a dbt project's semantic layer: read into an `Analysis`, and rendered through MetricFlow."""
