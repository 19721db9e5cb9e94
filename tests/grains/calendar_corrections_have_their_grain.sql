{{ config(severity='error') }}

-- The corrections have the grain that their description names. They are above no table, and a test
-- of other seeds beside them could not run before anything is published.
{{ rows_off_the_grain([(ref('session_calendar_overrides'), ['trade_date'])]) }}
