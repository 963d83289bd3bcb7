"""The served pages: HTML for people, made on the server, with a little plain JavaScript that keeps it current.

    rendering   templates to answers, with the policies of what a page may load
    static      style, scripts and the plotting library under names that change with their content
    readers     who asks; a browser that may not see a page is shown why and what to do
    overview, executions, execution, workflow, reports    the pages
    error_page  what a browser sees where a program gets the JSON body of an error

Everything can be read without JavaScript. No script stands in a page and no text from a record becomes markup: Jinja2
escapes all of it, and scripts set text only.
"""
