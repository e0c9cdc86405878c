"""The lake kept small on request: `smelt maintain`. What it does is in `plugins.core.warehouse.maintaining`."""
