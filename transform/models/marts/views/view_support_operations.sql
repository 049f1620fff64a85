{{ kpi_view('support_operations') }}
