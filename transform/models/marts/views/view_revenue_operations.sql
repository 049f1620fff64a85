{{ kpi_view('revenue_operations') }}
