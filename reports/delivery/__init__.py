"""Delivery of reports: what each kind of target is sent, and the sending of e-mail.

from reports.delivery.targets import parse_targets, shown   # the words of a target
from reports.delivery.mail import letter_of                 # a report as an e-mail
from reports.delivery.posts import slack_body, webhook_data # a report as JSON
from reports.delivery.smtp import SmtpServer, send          # handing an e-mail over
"""
