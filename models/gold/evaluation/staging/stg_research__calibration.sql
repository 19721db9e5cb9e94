select * from {{ evaluated('calibration') }}
