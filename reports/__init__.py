"""Reports: from the warehouse's answers to one page model, and from it to a page that opens from disk.

    from reports.data import make             # asks the warehouse and makes the model
    from reports.build import build           # makes the model from answers that are there already
    from reports.render import render         # model -> HTML
    from reports.report import write_report   # HTML and the model as JSON beside it, on disk
    from reports.model import ReportModel, to_json, from_json
    from reports.archive import Archive       # a folder or bucket of reports, with an index
    from reports.delivery.mail import letter_of   # a report as an e-mail; see reports.delivery for the others

Nothing is imported here: whoever needs only `reports.format` does not wait for the plotting library.
"""
