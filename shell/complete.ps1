# Completion for PowerShell 7 and Windows PowerShell 5.1. The line before this file sets
# $_leapp_program.
#
# The program is asked each time; its answer is read as lines of data and never evaluated.

Register-ArgumentCompleter -Native -CommandName leapp -ScriptBlock ({
    param($wordToComplete, $commandAst, $cursorPosition)
    $program = $_leapp_program
    if (-not $program -or -not [IO.File]::Exists($program)) { $program = 'leapp' }
    $words = @()
    foreach ($element in $commandAst.CommandElements) {
        if ($element.Extent.StartOffset -ge $cursorPosition) { break }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $words += $element.Value
        } else {
            $words += $element.Extent.Text
        }
    }
    # Behind a space there is a word that has not begun. Windows PowerShell drops it; that is as good.
    $at = $words.Count
    if ($wordToComplete) { $at = $words.Count - 1 } else { $words += '' }
    $flag = ''
    if ($wordToComplete -like '--*=*') { $flag = $wordToComplete.Substring(0, $wordToComplete.IndexOf('=') + 1) }
    foreach ($line in @(& $program complete --at $at '--' $words 2>$null)) {
        if ($line -ceq ':files') {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete.Substring($flag.Length))
        } elseif ($line.StartsWith(':command ')) {
            $first = [int] $line.Substring(9)
            if ($first -ge $commandAst.CommandElements.Count) { return }
            $start = $commandAst.CommandElements[$first].Extent.StartOffset
            $rest = $commandAst.Extent.Text.Substring($start - $commandAst.Extent.StartOffset)
            $cursor = $cursorPosition - $start
            $rest = $rest.PadRight($cursor)
            $found = [System.Management.Automation.CommandCompletion]::CompleteInput($rest, $cursor, $null)
            $found.CompletionMatches
        } else {
            $parts = $line.Split("`t")
            $about = $parts[0]
            if ($parts.Count -gt 1 -and $parts[1]) { $about = $parts[1] }
            # Providers give their identities what names they like: none is read as more than a name.
            $text = $parts[0]
            if ($text -notmatch '^[A-Za-z0-9_./:%+=-]+$') {
                $text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($text) + "'"
            }
            [System.Management.Automation.CompletionResult]::new($flag + $text, $parts[0], 'ParameterValue', $about)
        }
    }
}.GetNewClosure())
Remove-Variable -Name _leapp_program
