"""What people open: workbooks and pages. Figures come in ready; nothing is judged or read here."""
