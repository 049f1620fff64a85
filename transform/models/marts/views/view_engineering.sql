{{ kpi_view('engineering') }}
