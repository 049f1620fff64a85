{{ kpi_view('finance') }}
